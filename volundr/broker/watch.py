"""Looks after the sessions of one Skuld: says why nothing happens, denies what nobody answers, notices a dead agent.

It never ends a process. A process that is gone while its end was never reported is taken for gone after the second look.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from volundr.broker import proctree
from volundr.broker.broker import Broker
from volundr.broker.conversation import Expired
from volundr.broker.runs import Vanished
from volundr.broker.vitals import FINE, Signs, diagnose
from volundr.domain.errors import Unavailable

log = logging.getLogger(__name__)

PAUSE = 5.0
PID_SECONDS = 2.0


@dataclass(slots=True)
class _Look:
    """What was seen of a session's processes at the last look. `missing` counts looks at which its process was not there."""

    at: float
    cpu: float | None = None
    missing: int = 0


class Watch:
    """`brokers` gives the sessions there are; `patience`: seconds a question may stay open, 0 for ever."""

    def __init__(self, brokers: Callable[[], Collection[Broker]], patience: float = 0.0, pause: float = PAUSE) -> None:
        self._brokers = brokers
        self._patience = patience
        self._pause = pause
        self._looks: dict[str, _Look] = {}

    async def run(self) -> None:
        """Own this task."""
        while True:
            await asyncio.sleep(self._pause)
            alive = set()
            for broker in list(self._brokers()):
                name = broker.spec.session_id
                alive.add(name)
                try:
                    await self.look(broker)
                except Exception:
                    log.exception("session could not be looked at", extra={"session": name})
            self._looks = {name: look for name, look in self._looks.items() if name in alive}

    async def look(self, broker: Broker) -> None:
        state = broker.journal.conversation.state
        if not (state.working or state.questions):
            self._looks.pop(broker.spec.session_id, None)
            broker.diagnosed(FINE)
            return
        self._expire(broker)
        signs = await self._signs(broker)
        if signs.gone and self._looks[broker.spec.session_id].missing > 1 and state.alive:
            log.warning("agent is gone without a word", extra={"session": broker.spec.session_id})
            broker.journal.put(Vanished())
        broker.diagnosed(diagnose(signs, datetime.now(UTC)))

    def _expire(self, broker: Broker) -> None:
        state = broker.journal.conversation.state
        for name in list(state.questions):
            if 0 < self._patience < _age(state.asked_at.get(name, "")):
                words = f"Nobody answered within {self._patience / 60:g} minutes, so it was denied."
                try:
                    broker.journal.put(Expired(id=name, words=words))
                except Unavailable as error:
                    log.info("question not closed yet", extra={"session": broker.spec.session_id, "cause": str(error)})

    async def _signs(self, broker: Broker) -> Signs:
        state, now = broker.journal.conversation.state, time.monotonic()
        question = next(iter(state.questions.values()), None)
        tool, begun = broker.tool_running()
        look = self._looks.setdefault(broker.spec.session_id, _Look(at=now))
        pid, gone, cpu, programs = await self._processes(broker, look, now)
        return Signs(
            question=question.title if question else "",
            question_for=_age(state.asked_at.get(question.id, "")) if question else 0.0,
            working=state.working,
            tool=tool,
            tool_for=now - begun,
            silent_for=now - broker.journal.heard_at,
            turn_for=_age(state.turn_at),
            pid=pid,
            gone=gone,
            cpu=cpu,
            programs=programs,
        )

    async def _processes(self, broker: Broker, look: _Look, now: float) -> tuple[int | None, bool, float | None, tuple[str, ...]]:
        """(pid, whether it is gone, share of a core since the last look, what it runs)."""
        pid = None
        try:
            async with asyncio.timeout(PID_SECONDS):
                pid = await broker.agent_pid()
        except (Unavailable, TimeoutError):
            return None, False, None, ()
        tree = None if pid is None else await asyncio.to_thread(proctree.look, pid)
        if tree is None:
            return pid, False, None, ()
        look.missing = 0 if tree.alive else look.missing + 1
        known, span = look.cpu, now - look.at
        look.cpu, look.at = tree.cpu, now
        share = None if known is None or span <= 0 else max(0.0, tree.cpu - known) / span
        return pid, not tree.alive, share, tuple(tree.programs)


def _age(at: str) -> float:
    """Seconds since this time of the log; 0 for none."""
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()) if at else 0.0
