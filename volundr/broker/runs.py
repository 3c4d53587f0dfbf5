"""When an agent's process is begun, what its end means, and what becomes of the turn it was in: pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from volundr.broker.events import Exited, TurnEnded
from volundr.broker.frames import Delta, Output, Rejected, Stored
from volundr.broker.parts import Capabilities, Rule
from volundr.broker.records import AgentState, MessageReturned, Notice, PermissionClosed, Record, TurnFinished, TurnStarted
from volundr.broker.state import State

FORGOTTEN = "The agent no longer has the earlier conversation; it goes on without that memory."

type Item = Record | Delta | Output | Stored | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """Skuld came back and the run it knew is gone. Nobody knows how it ended."""

    error: str = "The agent's process is gone."


@dataclass(slots=True, kw_only=True)
class Runs:
    """`always` are the rules kept for every session of the project; `lost` and `hint` are the agent's reading of an error."""

    epoch: str
    agent: str
    model: str = ""
    capabilities: Capabilities = field(default_factory=Capabilities)
    always: frozenset[Rule] = frozenset()
    lost: Callable[[str], bool] = lambda _: False
    hint: Callable[[str], str] = lambda _: ""
    state: State = field(default_factory=State)

    def _turn_ended(self, event: TurnEnded) -> Iterator[Item]:
        state = self.state
        if not state.working:
            return
        if event.status == "failed" and self._forgotten(event.error):
            yield from self._begin_anew(event.error)
            return
        status = "interrupted" if state.interrupting and event.status == "failed" else event.status
        yield from self._close_questions("The turn is over.")
        yield TurnFinished(
            turn=state.turn,
            status=status,
            error=event.error,
            hint=event.hint or (self.hint(event.error) if status == "failed" and event.error else ""),
            usage=tuple(event.usage),
            duration_ms=event.duration_ms,
        )
        if state.waiting and not state.phase and not self.capabilities.per_message:
            yield TurnStarted(turn=state.turn + 1, messages=tuple(state.waiting))

    def _exited(self, event: Exited) -> Iterator[Item]:
        state = self.state
        if not state.alive:
            return
        hint = event.hint or (self.hint(event.error) if event.error else "")
        if not event.wanted and self._forgotten(event.error):
            yield from self._begin_anew(event.error)
            return
        alone = self.capabilities.per_message
        unknown = event.wanted or event.code is None or state.interrupting
        due = event.wanted or (alone and not state.working)
        error = "" if due else event.error or f"The agent ended by itself (exit code {event.code})."
        yield from self._end_turn("interrupted" if unknown else "failed", error, hint)
        failed = state.run_state == "starting" and not due and not alone and (event.code or 0) > 0
        yield AgentState(
            state="failed" if failed else "exited",
            run=state.run,
            agent=self.agent,
            native=state.native,
            error="" if alone else error,
            hint="" if alone else hint,
        )
        if self._unsaid() and not event.wanted and not state.phase:
            yield from self._next_run()

    def _opened(self) -> Iterator[Item]:
        """The session shall run. An agent that is started for each message has nothing to start yet."""
        state = self.state
        if state.alive:
            return
        if not self.capabilities.per_message or state.waiting:
            yield from self._next_run()
        elif state.run_state != "exited":
            yield AgentState(state="exited", run=state.run, agent=self.agent, model=self.model, native=state.native)

    def _vanished(self, given: Vanished) -> Iterator[Item]:
        state = self.state
        if state.run_state == "starting" and state.src == 0 and state.working and not state.interrupting:
            # Skuld ended before it could start this run: nobody has heard the message yet, so it is said in the next one.
            yield self._new_run(state.native)
            return
        if state.alive:
            yield from self._end_turn("interrupted", given.error, "")
            yield AgentState(state="exited", run=state.run, agent=self.agent, native=state.native, error=given.error)
        if self._unsaid():
            yield from self._next_run()

    def _unsaid(self) -> tuple[str, ...]:
        """Messages that no agent has taken up, in the order in which they will be said."""
        return (*self.state.steered, *self.state.waiting)

    def _next_run(self) -> Iterator[Item]:
        """A new run, and a turn with all that waits."""
        unsaid = self._unsaid()
        yield self._new_run(self.state.native)
        if unsaid:
            yield TurnStarted(turn=self.state.turn + 1, messages=unsaid)

    def _new_run(self, resume: str) -> AgentState:
        run = f"{self.epoch}.{self.state.runs + 1}"
        native = resume if self.capabilities.resume else ""
        return AgentState(state="starting", run=run, agent=self.agent, model=self.model, native=native)

    def _forgotten(self, error: str) -> bool:
        state = self.state
        return bool(state.resumed) and state.run_state == "starting" and not state.interrupting and self.lost(error)

    def _begin_anew(self, error: str) -> Iterator[Item]:
        yield from self._close_questions("The agent began anew.")
        yield Notice(level="warning", text=FORGOTTEN, detail=error)
        yield self._new_run("")

    def _end_turn(self, status: Literal["interrupted", "failed"], error: str, hint: str) -> Iterator[Item]:
        yield from self._close_questions("The agent is gone.")
        if self.state.working:
            yield TurnFinished(turn=self.state.turn, status=status, error=error, hint=hint)
        for name in reversed(self.state.steered):
            yield MessageReturned(id=name)

    def _close_questions(self, reason: str) -> Iterator[Item]:
        for name in self.state.questions:
            yield PermissionClosed(id=name, reason=reason)
