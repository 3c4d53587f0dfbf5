"""What a session's records add up to. The same fold runs live and when the log is read again, so both always agree."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from volundr.broker.codec import Entry
from volundr.broker.events import Answer, Break, Command, Say
from volundr.broker.frames import Delta
from volundr.broker.parts import Activity, BlockKind, Rule
from volundr.broker.records import (
    AgentMessage,
    AgentState,
    InterruptRequested,
    MessageSeen,
    PermissionClosed,
    PermissionDecided,
    PermissionDelivered,
    PermissionRaised,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UserMessage,
)

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
class State:
    """`outstanding` are the commands, by number, that the agent of this run must get and may not have got yet."""

    seq: int = 0
    stored: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)
    turn: int = 0
    working: bool = False
    interrupting: bool = False
    outstanding: dict[int, Command] = field(default_factory=dict)
    questions: dict[str, PermissionRaised] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    rules: set[Rule] = field(default_factory=set)
    runs: int = 0
    run: str = ""
    run_state: Literal["", "starting", "ready", "exited", "failed"] = ""
    resumed: str = ""
    native: str = ""
    model: str = ""
    mode: str = ""
    error: str = ""
    hint: str = ""
    src: int = 0
    tools: dict[str, str] = field(default_factory=dict)
    messages: int = 0
    cost_usd: float | None = None
    activity: Activity = field(default_factory=lambda: Activity(state="starting"))
    # What is not of the log:
    blocks: dict[tuple[str, int], Block] = field(default_factory=dict, compare=False)
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
            case UserMessage() as record:
                self.stored[record.id] = entry.seq
                self.waiting[record.id] = record.text
                self.messages += 1
            case MessageSeen() as record:
                self.unseen.discard(record.id)
            case TurnStarted() as record:
                self._begin_turn(entry.seq, record)
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
                self.answered.pop(record.id, None)
            case PermissionDecided() as record:
                asked = self.questions.pop(record.id)
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
                self.answered[record.id] = f"Nobody waits for this answer any more: {record.reason}"
            case _:
                pass

    def _begin_turn(self, seq: int, record: TurnStarted) -> None:
        self.turn, self.working, self.interrupting = record.turn, True, False
        self.outstanding[seq] = Say(messages=tuple((name, self.waiting.pop(name)) for name in record.messages))
        self.unseen = set(record.messages)

    def _end_turn(self, record: TurnFinished) -> None:
        self.working = self.interrupting = False
        self.outstanding = dict(self.answers())
        self.tools.clear()
        self.blocks.clear()
        self.unseen = set()
        for usage in record.usage:
            if usage.cost_usd is not None:
                self.cost_usd = (self.cost_usd or 0.0) + usage.cost_usd

    def _agent(self, record: AgentState) -> None:
        self.run_state, self.error, self.hint = record.state, record.error, record.hint
        if record.state == "starting":
            self.run, self.src = record.run, 0
            self.runs += 1
            self.native = self.resumed = record.native
            self.blocks.clear()
            self.tools.clear()
            # A turn that goes on in a new run is said again; answers and interrupts meant the old run.
            self.outstanding = {seq: said for seq, said in self.outstanding.items() if isinstance(said, Say)}
        elif record.state == "ready":
            self.native = record.native or self.native
            self.model = record.model or self.model
            self.mode = record.mode or self.mode
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

    def open_blocks(self) -> Sequence[Delta]:
        """What somebody who attaches now has missed of the unfinished blocks."""
        return [
            Delta(id=name, block=number, kind=block.kind, offset=0, text="".join(block.pieces), parent=block.parent)
            for (name, number), block in self.blocks.items()
        ]

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
