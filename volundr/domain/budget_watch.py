"""Pauses sessions whose budget is used up."""

import logging
from uuid import UUID

from volundr.domain.budgets import BudgetService, Standing, told
from volundr.domain.sessions.model import Session
from volundr.domain.sessions.service import SessionService
from volundr.domain.tokens import UsageWatch
from volundr.process import Tasks

log = logging.getLogger(__name__)


class BudgetWatch(UsageWatch):
    """Looks at the budgets of a session whenever it took something.

    One that is reached pauses every session that it binds: also those that took nothing just now, since they would go on
    with what nobody has any more.
    """

    def __init__(self, budgets: BudgetService, sessions: SessionService, tasks: Tasks) -> None:
        self._budgets = budgets
        self._sessions = sessions
        self._tasks = tasks
        self._under_way: set[UUID] = set()

    async def used(self, session: Session) -> None:
        for standing in await self._budgets.of_session(session):
            self.look(standing)

    def look(self, standing: Standing) -> None:
        """Pause who goes beyond this one, in a task of its own."""
        if standing.state == "reached" and standing.budget.id not in self._under_way:
            self._under_way.add(standing.budget.id)
            self._tasks.spawn(self._pause(standing), name=f"pause sessions of budget {standing.budget.id}")

    async def _pause(self, standing: Standing) -> None:
        reason, hint = told(standing)
        try:
            for session_id in await self._budgets.bound(standing.budget):
                await self._sessions.pause(session_id, reason, hint)
                log.info("session paused: budget used up", extra={"session": str(session_id)})
        finally:
            self._under_way.discard(standing.budget.id)
