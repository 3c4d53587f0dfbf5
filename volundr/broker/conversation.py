"""The rules of a conversation, pure: what somebody or the agent does goes in, records and live frames come out.

`decide` changes nothing. Who calls it stores the records, and only then lets `state.apply` take them up, one by one;
except for the agent's events, which cannot be refused and so are taken up at once (see `broker.py`).
"""

from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal

from volundr.broker.codec import Entry
from volundr.broker.events import (
    AgentEvent,
    Asked,
    Exited,
    Ready,
    Remarked,
    Taken,
    TextDelta,
    TextDone,
    ToolCalled,
    ToolEnded,
    TurnEnded,
    Withdrawn,
)
from volundr.broker.frames import Decide, Delta, Interrupt, Rejected, Send, Stored
from volundr.broker.parts import Capabilities, Rule
from volundr.broker.records import (
    AgentMessage,
    AgentState,
    InterruptRequested,
    MessageSeen,
    Notice,
    PermissionClosed,
    PermissionDecided,
    PermissionDelivered,
    PermissionRaised,
    Record,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UserMessage,
)
from volundr.broker.state import State

LONGEST_ID = 200
FORGOTTEN = "The agent no longer has the earlier conversation; it goes on without that memory."


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A frame of a client, and who it is."""

    frame: Send | Decide | Interrupt
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The session shall run: a run is started unless there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """Skuld came back and the run it knew is gone. Nobody knows how it ended."""

    error: str = "The agent's process is gone."


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The agent has the answer to this question."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesGrew:
    """Rules for all sessions of the project were added: what is open may be answered by them."""


type Lifecycle = Opened | Vanished | Delivered | RulesGrew
type Input = Said | AgentEvent | Lifecycle
type Item = Record | Delta | Stored | Rejected


@dataclass(slots=True, kw_only=True)
class Conversation:
    """`always` are the rules kept for every session of the project; `lost` and `hint` are the agent's reading of an error."""

    epoch: str
    agent: str
    model: str = ""
    capabilities: Capabilities = field(default_factory=Capabilities)
    always: frozenset[Rule] = frozenset()
    lost: Callable[[str], bool] = lambda _: False
    hint: Callable[[str], str] = lambda _: ""
    state: State = field(default_factory=State)

    def apply(self, entry: Entry) -> None:
        self.state.apply(entry)

    def decide(self, given: Input) -> list[Item]:
        """What follows, in order. `Stored` and `Rejected` are for the sender alone, the rest is for everybody."""
        match given:
            case TextDelta():
                return [self._delta(given)]
            case Said():
                return list(self._said(given))
            case Opened() | Vanished() | Delivered() | RulesGrew():
                return list(self._lifecycle(given))
            case _:
                return list(self._event(given))

    # --- people -------------------------------------------------------------------------------------------------------

    def _said(self, said: Said) -> Iterator[Item]:
        match said.frame:
            case Send() as frame:
                yield from self._send(frame, said.by)
            case Decide() as frame:
                yield from self._decide(frame, said.by)
            case Interrupt():
                yield from self._interrupt(said.by)

    def _send(self, frame: Send, by: str) -> Iterator[Item]:
        state = self.state
        if frame.id in state.stored:
            yield Stored(id=frame.id, seq=state.stored[frame.id])
            return
        if refusal := self._refusal(frame):
            yield Rejected(id=frame.id, error=refusal)
            return
        yield UserMessage(id=frame.id, text=frame.text, by=by)
        yield Stored(id=frame.id, seq=state.seq + 1)
        if not state.alive and not state.working:
            yield self._new_run(state.native)
        if not state.working:
            yield TurnStarted(turn=state.turn + 1, messages=(*state.waiting, frame.id))

    def _refusal(self, frame: Send) -> str:
        if self.state.phase:
            return "This session is being stopped. Start it again to go on."
        if not 0 < len(frame.id) <= LONGEST_ID:
            return f"A message needs an id of 1 to {LONGEST_ID} characters."
        return "" if frame.text.strip() else "A message needs some text."

    def _decide(self, frame: Decide, by: str) -> Iterator[Item]:
        state = self.state
        asked = state.questions.get(frame.id)
        if asked is None:
            yield Rejected(id=frame.id, error=state.answered.get(frame.id, "There is no such question."))
        elif frame.decision == "allow" and frame.scope not in asked.scopes:
            yield Rejected(id=frame.id, error=f"This cannot be allowed for {frame.scope!r}, only: {', '.join(asked.scopes)}.")
        elif frame.input is not None and not self.capabilities.edited_input:
            yield Rejected(id=frame.id, error="This agent does not take a changed input.")
        else:
            scope = frame.scope if frame.decision == "allow" else "once"
            yield PermissionDecided(
                id=frame.id, decision=frame.decision, scope=scope, message=frame.message, input=frame.input, by=by
            )
            if scope != "once":
                yield from self._by_rules(state.rules | self.always | set(asked.rules), besides=frame.id)

    def _by_rules(self, kept: Set[Rule], besides: str = "") -> Iterator[Item]:
        for asked in self.state.questions.values():
            if asked.id != besides and _covered(asked.rules, kept):
                yield PermissionDecided(id=asked.id, decision="allow")

    def _interrupt(self, by: str) -> Iterator[Item]:
        state = self.state
        if not state.working:
            yield Rejected(id="", error="Nothing is running that could be interrupted.")
        elif not self.capabilities.interrupt:
            yield Rejected(id="", error="This agent cannot be interrupted; stop the session instead.")
        elif not state.interrupting:
            yield InterruptRequested(turn=state.turn, by=by)
            yield from self._close_questions(f"{by or 'Somebody'} interrupted the turn.")

    # --- the agent ----------------------------------------------------------------------------------------------------

    def _event(self, event: AgentEvent) -> Iterator[Item]:
        match event:
            case TextDone():
                yield AgentMessage(id=event.id, block=event.block, kind=event.kind, text=event.text, parent=event.parent)
            case ToolCalled():
                yield ToolStarted(
                    id=event.id, name=event.name, title=event.title, kind=event.kind, input=event.input, parent=event.parent
                )
            case ToolEnded():
                yield ToolFinished(id=event.id, ok=event.ok, output=event.output, detail=event.detail)
            case Asked():
                yield from self._asked(event)
            case TurnEnded():
                yield from self._turn_ended(event)
            case Exited():
                yield from self._exited(event)
            case TextDelta():
                yield self._delta(event)
            case _:
                yield from self._small_event(event)

    def _small_event(self, event: Ready | Taken | Withdrawn | Remarked) -> Iterator[Item]:
        match event:
            case Ready():
                yield from self._ready(event)
            case Taken():
                if event.id in self.state.unseen:
                    yield MessageSeen(id=event.id)
            case Withdrawn():
                if event.id in self.state.questions:
                    yield PermissionClosed(id=event.id, reason="The agent took the question back.")
            case Remarked():
                yield Notice(level=event.level, text=event.text, detail=event.detail)

    def _delta(self, event: TextDelta) -> Delta:
        block = self.state.blocks.get((event.id, event.block))
        offset = block.length if block else 0
        return Delta(id=event.id, block=event.block, kind=event.kind, offset=offset, text=event.text, parent=event.parent)

    def _asked(self, event: Asked) -> Iterator[Item]:
        if event.id in self.state.questions or any(answer.id == event.id for _, answer in self.state.answers()):
            return
        yield PermissionRaised(
            id=event.id,
            tool=event.tool,
            title=event.title,
            input=event.input,
            tool_id=event.tool_id,
            reason=event.reason,
            rules=tuple(event.rules),
            scopes=tuple(event.scopes),
            native=event.native,
            parent=event.parent,
        )
        if _covered(event.rules, self.state.rules | self.always):
            yield PermissionDecided(id=event.id, decision="allow")

    def _ready(self, event: Ready) -> Iterator[Item]:
        state = self.state
        said = (event.native or state.native, event.model or state.model, event.mode or state.mode)
        if state.alive and (state.run_state == "starting" or said != (state.native, state.model, state.mode)):
            native, model, mode = said
            yield AgentState(state="ready", run=state.run, agent=self.agent, model=model, mode=mode, native=native)

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
        if state.waiting and not state.phase:
            yield TurnStarted(turn=state.turn + 1, messages=tuple(state.waiting))

    def _exited(self, event: Exited) -> Iterator[Item]:
        state = self.state
        if not state.alive:
            return
        hint = event.hint or (self.hint(event.error) if event.error else "")
        if not event.wanted and self._forgotten(event.error):
            yield from self._begin_anew(event.error)
            return
        unknown = event.wanted or event.code is None or state.interrupting
        error = "" if event.wanted else event.error or f"The agent ended by itself (exit code {event.code})."
        yield from self._end_turn("interrupted" if unknown else "failed", error, hint)
        failed = state.run_state == "starting" and not event.wanted and (event.code or 0) > 0
        yield AgentState(
            state="failed" if failed else "exited", run=state.run, agent=self.agent, native=state.native, error=error, hint=hint
        )
        if state.waiting and not event.wanted and not state.phase:
            yield from self._next_run()

    # --- runs ---------------------------------------------------------------------------------------------------------

    def _lifecycle(self, given: Lifecycle) -> Iterator[Item]:
        state = self.state
        match given:
            case Opened():
                if not state.alive:
                    yield from self._next_run()
            case Vanished():
                yield from self._vanished(given)
            case Delivered():
                if any(answer.id == given.id for _, answer in state.answers()):
                    yield PermissionDelivered(id=given.id)
            case RulesGrew():
                yield from self._by_rules(state.rules | self.always)

    def _vanished(self, given: Vanished) -> Iterator[Item]:
        state = self.state
        if state.run_state == "starting" and state.src == 0 and state.working and not state.interrupting:
            # Skuld ended before it could start this run: nobody has heard the message yet, so it is said in the next one.
            yield self._new_run(state.native)
            return
        if state.alive:
            yield from self._end_turn("interrupted", given.error, "")
            yield AgentState(state="exited", run=state.run, agent=self.agent, native=state.native, error=given.error)
        if state.waiting:
            yield from self._next_run()

    def _next_run(self) -> Iterator[Item]:
        """A new run, and a turn with all that waits."""
        yield self._new_run(self.state.native)
        if self.state.waiting:
            yield TurnStarted(turn=self.state.turn + 1, messages=tuple(self.state.waiting))

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

    def _close_questions(self, reason: str) -> Iterator[Item]:
        for name in self.state.questions:
            yield PermissionClosed(id=name, reason=reason)


def _covered(rules: Sequence[Rule], kept: Set[Rule]) -> bool:
    """Whether all of a question's rules are kept. A rule without a subject stands for any use of its tool."""
    return bool(rules) and all(rule in kept or Rule(tool=rule.tool) in kept for rule in rules)
