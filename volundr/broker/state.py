"""What a session's records add up to. The same fold runs live and when the log is read again, so both always agree."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from volundr.broker.codec import Entry
from volundr.broker.events import Adjust, Answer, Attached, Break, Command, Say, Steer
from volundr.broker.frames import Delta, Output, Standing
from volundr.broker.parts import Activity, Attachment, BlockKind, Rule, Task, Usage
from volundr.broker.records import (
    AgentMessage,
    AgentOffers,
    AgentState,
    Chosen,
    Forked,
    InterruptRequested,
    MessageEdited,
    MessageRemoved,
    MessageReturned,
    MessageSeen,
    MessageSteered,
    PermissionClosed,
    PermissionDecided,
    PermissionDelivered,
    PermissionRaised,
    PlanChanged,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UserMessage,
)
from volundr.broker.usage import plus

PRINTED_KEPT = 32 * 1024
CHOICES = ("model", "mode", "thinking")

type Doing = Literal["starting", "idle", "working", "waiting", "stopping", "stopped", "failed"]


@dataclass(slots=True)
class Block:
    """An unfinished block: live only. The pieces are joined when somebody attaches."""

    kind: BlockKind
    parent: str | None
    pieces: list[str] = field(default_factory=list)
    length: int = 0

    def add(self, text: str) -> None:
        self.pieces.append(text)
        self.length += len(text)


@dataclass(slots=True)
class Printed:
    """What a running tool has printed, live only: its end, and how many characters were before that."""

    offset: int = 0
    text: str = ""

    def add(self, text: str) -> int:
        """Take up a piece; returns the offset that this piece has."""
        at = self.offset + len(self.text)
        self.text += text
        if len(self.text) > 2 * PRINTED_KEPT:
            self.offset += len(self.text) - PRINTED_KEPT
            self.text = self.text[-PRINTED_KEPT:]
        return at


@dataclass(slots=True)
class State:
    """`outstanding` are the commands, by number, that the agent of this run must get and may not have got yet.

    `waiting` messages are nobody's yet; `steered` ones were handed over in the middle of a turn and not yet taken up.
    `chosen` is what people chose, by name (model, mode, thinking): the next run begins with it.
    """

    seq: int = 0
    stored: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    steered: dict[str, str] = field(default_factory=dict)
    files: dict[str, Sequence[Attachment]] = field(default_factory=dict)
    chosen: dict[str, str] = field(default_factory=dict)
    offers: AgentOffers = field(default_factory=AgentOffers)
    tasks: Sequence[Task] = ()
    unseen: set[str] = field(default_factory=set)
    turn: int = 0
    working: bool = False
    interrupting: bool = False
    outstanding: dict[int, Command] = field(default_factory=dict)
    turn_at: str = ""
    questions: dict[str, PermissionRaised] = field(default_factory=dict)
    asked_at: dict[str, str] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    rules: set[Rule] = field(default_factory=set)
    runs: int = 0
    run: str = ""
    run_state: Literal["", "starting", "ready", "exited", "failed"] = ""
    resumed: str = ""
    forked_from: str = ""
    native: str = ""
    model: str = ""
    mode: str = ""
    thinking: str = ""
    error: str = ""
    hint: str = ""
    src: int = 0
    tools: dict[str, str] = field(default_factory=dict)
    messages: int = 0
    cost_usd: float | None = None
    spent: dict[str, Usage] = field(default_factory=dict)
    activity: Activity = field(default_factory=lambda: Activity(state="starting"))
    # What is not of the log:
    blocks: dict[tuple[str, int], Block] = field(default_factory=dict, compare=False)
    printed: dict[str, Printed] = field(default_factory=dict, compare=False)
    phase: Literal["", "stopping", "stopped"] = field(default="", compare=False)

    @property
    def alive(self) -> bool:
        """Whether there is a run that events may come from and commands may go to."""
        return self.run_state in {"starting", "ready"}

    def apply(self, entry: Entry) -> None:
        """Take up the next record. Never fails for a record that `conversation.py` made."""
        self.seq = entry.seq
        if entry.src:
            self.src = entry.src
        self._take(entry)
        self.settle_activity(entry.at)

    def _take(self, entry: Entry) -> None:
        match entry.record:
            case AgentMessage() as record:
                self.blocks.pop((record.id, record.block), None)
                self.messages += record.kind == "text" and record.parent is None
            case ToolStarted() as record:
                self.tools[record.id] = record.title
            case ToolFinished() as record:
                self.tools.pop(record.id, None)
                self.printed.pop(record.id, None)
            case UserMessage() as record:
                self.stored[record.id] = entry.seq
                self.waiting[record.id] = record.text
                if record.attachments:
                    self.files[record.id] = record.attachments
                self.messages += 1
            case MessageSeen() as record:
                self.unseen.discard(record.id)
                self._handed_over(record.id)
            case TurnStarted() as record:
                self._begin_turn(entry, record)
            case TurnFinished() as record:
                self._end_turn(record)
            case AgentState() as record:
                self._agent(record)
            case _:
                self._take_rare(entry)

    def _take_rare(self, entry: Entry) -> None:
        match entry.record:
            case InterruptRequested():
                self.interrupting = True
                self.outstanding[entry.seq] = Break(number=entry.seq)
            case PermissionRaised() as record:
                self.questions[record.id] = record
                self.asked_at[record.id] = entry.at
                self.answered.pop(record.id, None)
            case PermissionDecided() as record:
                asked = self.questions.pop(record.id)
                self.asked_at.pop(record.id, None)
                self.answered[record.id] = f"This was already decided by {record.by or 'a rule that you kept'}."
                if record.decision == "allow" and record.scope != "once":
                    self.rules.update(asked.rules)
                self.outstanding[entry.seq] = Answer(
                    id=record.id,
                    decision=record.decision,
                    scope=record.scope,
                    asked_input=asked.input,
                    native=asked.native,
                    message=record.message,
                    input=record.input,
                )
            case PermissionDelivered() as record:
                for seq in [seq for seq, answer in self.answers() if answer.id == record.id]:
                    del self.outstanding[seq]
            case PermissionClosed() as record:
                self.questions.pop(record.id, None)
                self.asked_at.pop(record.id, None)
                self.answered[record.id] = f"Nobody waits for this answer any more: {record.reason}"
            case _:
                self._take_control(entry)

    def _take_control(self, entry: Entry) -> None:
        match entry.record:
            case AgentOffers() as record:
                self.offers = record
            case PlanChanged() as record:
                self.tasks = record.tasks
            case Chosen() as record:
                self._choose(entry.seq, record)
            case Forked() as record:
                self._fork(record)
            case MessageEdited() as record:
                self.waiting[record.id] = record.text
            case MessageRemoved() as record:
                del self.waiting[record.id]
                self.files.pop(record.id, None)
                self.messages -= 1
            case MessageSteered() as record:
                text = self.steered[record.id] = self.waiting.pop(record.id)
                attached = tuple(Attached(about=about, path="") for about in self.files.get(record.id, ()))
                self.outstanding[entry.seq] = Steer(message=(record.id, text), attached=attached)
            case MessageReturned() as record:
                text = self.steered[record.id]
                self._handed_over(record.id)
                self.waiting = {record.id: text, **self.waiting}
            case _:
                pass

    def _handed_over(self, name: str) -> None:
        """Whether the agent took a steered message or gave it back: this handing over is done."""
        if self.steered.pop(name, None) is not None:
            self.outstanding = {
                seq: said for seq, said in self.outstanding.items() if not (isinstance(said, Steer) and said.message[0] == name)
            }

    def _fork(self, record: Forked) -> None:
        """What follows is another session's: nothing of the one before runs, waits or is asked here."""
        self.native = self.forked_from = record.native
        self.run = self.run_state = ""
        self.cost_usd = None  # what was spent there is counted there
        self.working = self.interrupting = False
        self.unseen, self.outstanding = set(), {}
        for kept in (self.waiting, self.steered, self.questions, self.asked_at, self.tools, self.blocks, self.files):
            kept.clear()

    def _choose(self, seq: int, record: Chosen) -> None:
        given = {name: getattr(record, name) for name in CHOICES}
        chosen = {name: value for name, value in given.items() if value is not None}
        self.chosen.update(chosen)
        if self.alive:
            self.outstanding[seq] = Adjust(number=seq, **chosen)

    def _begin_turn(self, entry: Entry, record: TurnStarted) -> None:
        self.turn, self.working, self.interrupting = record.turn, True, False
        self.turn_at = entry.at
        words = tuple((name, self.waiting.pop(name)) for name in record.messages if name in self.waiting)
        if words:
            files = {name: self.files[name] for name, _ in words if name in self.files}
            attached = {name: tuple(Attached(about=about, path="") for about in of) for name, of in files.items()}
            self.outstanding[entry.seq] = Say(messages=words, attached=attached)
        self.unseen = set(record.messages)

    def _end_turn(self, record: TurnFinished) -> None:
        self.working = self.interrupting = False
        self.outstanding = {seq: said for seq, said in self.outstanding.items() if isinstance(said, Answer | Adjust | Steer)}
        self.tools.clear()
        self.blocks.clear()
        self.printed.clear()
        for name in self.unseen:
            self.files.pop(name, None)
        self.unseen = set()
        for usage in record.usage:
            self.spent[usage.model] = plus(self.spent.get(usage.model), usage)
            if usage.cost_usd is not None:
                self.cost_usd = (self.cost_usd or 0.0) + usage.cost_usd

    def _agent(self, record: AgentState) -> None:
        self.run_state, self.error, self.hint = record.state, record.error, record.hint
        if record.state == "starting":
            self.run, self.src = record.run, 0
            self.runs += 1
            self.spent = {}
            self.native = self.resumed = record.native
            self.blocks.clear()
            self.printed.clear()
            self.tools.clear()
            # A turn that goes on in a new run is said again; answers and interrupts meant the old run.
            self.outstanding = {seq: said for seq, said in self.outstanding.items() if isinstance(said, Say)}
        elif record.state == "ready":
            self.native = record.native or self.native
            self.model = record.model or self.model
            self.mode = record.mode or self.mode
            self.thinking = record.thinking or self.thinking
        else:
            self.outstanding = {seq: said for seq, said in self.outstanding.items() if isinstance(said, Say)}

    def answers(self) -> Sequence[tuple[int, Answer]]:
        return [(seq, command) for seq, command in self.outstanding.items() if isinstance(command, Answer)]

    def extend(self, delta: Delta) -> None:
        """Take up a piece of an unfinished block."""
        block = self.blocks.get((delta.id, delta.block))
        if block is None:
            block = self.blocks[delta.id, delta.block] = Block(delta.kind, delta.parent)
        block.add(delta.text)

    def standing(self) -> Standing:
        """What whoever attaches must know without the records that said it."""
        return Standing(
            run=self.run,
            state=self.run_state,
            model=self.model,
            mode=self.mode,
            thinking=self.thinking,
            offers=self.offers,
            tasks=tuple(self.tasks),
        )

    def print(self, output: Output) -> None:
        """Take up a piece of what a tool prints."""
        self.printed.setdefault(output.id, Printed()).add(output.text)

    def printed_length(self, tool: str) -> int:
        known = self.printed.get(tool)
        return known.offset + len(known.text) if known else 0

    def open_blocks(self) -> Sequence[Delta | Output]:
        """What somebody who attaches now has missed of the unfinished blocks and of running tools."""
        blocks = [
            Delta(id=name, block=number, kind=block.kind, offset=0, text="".join(block.pieces), parent=block.parent)
            for (name, number), block in self.blocks.items()
        ]
        return [*blocks, *(Output(id=name, offset=said.offset, text=said.text) for name, said in self.printed.items())]

    def settle_activity(self, at: str) -> None:
        state, what = self._doing()
        if state != self.activity.state or what != self.activity.what:
            self.activity = Activity(state=state, what=what, since=at)

    def _doing(self) -> tuple[Doing, str]:
        if self.phase:
            return self.phase, ""
        if self.questions:
            return "waiting", next(iter(self.questions.values())).title
        if self.working:
            return "working", next(reversed(self.tools.values())) if self.tools else ""
        if self.run_state == "failed":
            return "failed", self.error
        return ("starting" if self.run_state in {"starting", ""} else "idle"), ""
