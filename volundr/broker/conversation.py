"""The rules of a conversation, pure: what somebody or the agent does goes in, records and live frames come out.

`decide` changes nothing. Who calls it stores the records, and only then lets `state.apply` take them up, one by one;
except for the agent's events, which cannot be refused and so are taken up at once (see `broker.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from volundr.broker.codec import Entry
from volundr.broker.events import (
    AgentEvent,
    Asked,
    Exited,
    Offered,
    Planned,
    Ready,
    Remarked,
    Taken,
    TextDelta,
    TextDone,
    ToolCalled,
    ToolEnded,
    ToolOutput,
    TurnEnded,
    Untaken,
    Withdrawn,
)
from volundr.broker.frames import Delta, Output
from volundr.broker.people import People, Said, covered
from volundr.broker.records import (
    AgentMessage,
    AgentOffers,
    AgentState,
    MessageReturned,
    MessageSeen,
    Notice,
    PermissionClosed,
    PermissionDecided,
    PermissionDelivered,
    PermissionRaised,
    PlanChanged,
    ToolFinished,
    ToolStarted,
    TurnStarted,
    UserMessage,
)
from volundr.broker.runs import Item, Vanished


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The session shall run: a run is started unless there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The agent has the answer to this question."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesGrew:
    """Rules for all sessions of the project were added: what is open may be answered by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """Nobody has answered this question for as long as the settings allow; `words` tell the agent so."""

    id: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompted:
    """The session's initial prompt: the first message of a conversation in which nothing was said yet. It begins no run."""

    text: str


INITIAL_PROMPT = "initial-prompt"
"""The id of that message."""

type Lifecycle = Opened | Vanished | Delivered | RulesGrew | Expired | Prompted
type Input = Said | AgentEvent | Lifecycle


class Conversation(People):
    """One conversation: `runs.py` knows the agent's process, `people.py` what people do, this what the agent says."""

    def apply(self, entry: Entry) -> None:
        self.state.apply(entry)

    def decide(self, given: Input) -> list[Item]:
        """What follows, in order. `Stored` and `Rejected` are for the sender alone, the rest is for everybody."""
        match given:
            case TextDelta():
                return [self._delta(given)]
            case Said():
                return list(self._said(given))
            case Opened() | Vanished() | Delivered() | RulesGrew() | Expired() | Prompted():
                return list(self._lifecycle(given))
            case _:
                return list(self._event(given))

    def _lifecycle(self, given: Lifecycle) -> Iterator[Item]:
        state = self.state
        match given:
            case Opened():
                yield from self._opened()
            case Vanished():
                yield from self._vanished(given)
            case Delivered():
                if any(answer.id == given.id for _, answer in state.answers()):
                    yield PermissionDelivered(id=given.id)
            case RulesGrew():
                yield from self._by_rules(state.rules | self.always)
            case Prompted():
                if given.text.strip() and not state.stored:
                    yield UserMessage(id=INITIAL_PROMPT, text=given.text, by="initial prompt")
            case Expired():
                if given.id in state.questions:
                    yield PermissionDecided(id=given.id, decision="deny", message=given.words)

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
            case ToolOutput():
                if event.id in self.state.tools:
                    yield Output(id=event.id, offset=self.state.printed_length(event.id), text=event.text)
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

    def _small_event(self, event: Ready | Offered | Planned | Taken | Untaken | Withdrawn | Remarked) -> Iterator[Item]:
        state = self.state
        match event:
            case Ready():
                yield from self._ready(event)
            case Taken():
                yield from self._taken(event)
            case Untaken():
                yield from self._untaken(event)
            case Withdrawn():
                if event.id in state.questions:
                    yield PermissionClosed(id=event.id, reason="The agent took the question back.")
            case Remarked():
                yield Notice(level=event.level, text=event.text, detail=event.detail)
            case Planned():
                if tuple(event.tasks) != tuple(state.tasks):
                    yield PlanChanged(tasks=tuple(event.tasks))
            case Offered():
                yield from self._offered(event)

    def _taken(self, event: Taken) -> Iterator[Item]:
        """A message handed over in a turn that is over begins one of its own: the agent had queued it."""
        state = self.state
        if event.id in state.steered and not state.working and state.alive:
            yield TurnStarted(turn=state.turn + 1, messages=(event.id,))
        if event.id in state.unseen or event.id in state.steered:
            yield MessageSeen(id=event.id)

    def _untaken(self, event: Untaken) -> Iterator[Item]:
        state = self.state
        names = [name for name in state.steered if event.id in ("", name)]
        for name in reversed(names):
            yield MessageReturned(id=name)
        if names and not state.working and state.alive and not state.phase:
            yield TurnStarted(turn=state.turn + 1, messages=(*names, *state.waiting))

    def _offered(self, event: Offered) -> Iterator[Item]:
        known = self.state.offers
        offers = AgentOffers(
            models=_newest(event.models, known.models),
            modes=_newest(event.modes, known.modes),
            thinking=_newest(event.thinking, known.thinking),
            commands=_newest(event.commands, known.commands),
        )
        if offers != known:
            yield offers

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
        if covered(event.rules, self.state.rules | self.always):
            yield PermissionDecided(id=event.id, decision="allow")

    def _ready(self, event: Ready) -> Iterator[Item]:
        state = self.state
        known = (state.native, state.model, state.mode, state.thinking)
        new = (event.native, event.model, event.mode, event.thinking)
        native, model, mode, thinking = said = tuple(one or other for one, other in zip(new, known, strict=True))
        if state.alive and (state.run_state == "starting" or said != known):
            yield AgentState(
                state="ready", run=state.run, agent=self.agent, model=model, mode=mode, thinking=thinking, native=native
            )


def _newest[T](said: Sequence[T] | None, known: Sequence[T]) -> Sequence[T]:
    return tuple(known) if said is None else tuple(said)
