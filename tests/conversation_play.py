"""A conversation played by hand: what is decided is applied, as Skuld does it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from volundr.broker import events as ev
from volundr.broker import parts
from volundr.broker.codec import Entry, decode_entry, encode_entry
from volundr.broker.conversation import Conversation, Input, Opened
from volundr.broker.frames import Delta, Output, Rejected, Send, Stored
from volundr.broker.parts import Capabilities, Rule
from volundr.broker.people import Said
from volundr.broker.runs import Item

SHELL = Rule(tool="Bash", subject="make")


def fresh(**more: Any) -> Conversation:
    return Conversation(
        epoch="e",
        agent="demo",
        capabilities=more.pop("capabilities", Capabilities(edited_input=True)),
        lost=lambda error: "forgotten" in error,
        hint=lambda error: "Log in." if "login" in error else "",
        **more,
    )


@dataclass
class Play:
    """Applies what is decided, as Skuld does, and remembers the log."""

    talk: Conversation = field(default_factory=fresh)
    log: list[Entry] = field(default_factory=list)
    replies: list[Stored | Rejected] = field(default_factory=list)
    deltas: list[Delta] = field(default_factory=list)
    line: int = 0
    clock: int = 0

    def give(self, given: Input) -> Sequence[Item]:
        self.clock += 1
        src = 0
        if isinstance(given, ev.AgentEvent.__value__):
            self.line += 1
            src = self.line
        items = self.talk.decide(given)
        for item in items:
            if isinstance(item, Stored | Rejected):
                self.replies.append(item)
            elif isinstance(item, Delta):
                self.talk.state.extend(item)
                self.deltas.append(item)
            else:
                assert not isinstance(item, Output), "no tool of these plays prints while it runs"
                entry = Entry(self.talk.state.seq + 1, f"t{self.clock}", src, item)
                self.talk.apply(entry)
                self.log.append(entry)
        return items

    def open(self) -> "Play":
        self.give(Opened())
        return self

    def said(self, *names: str) -> None:
        for name in names:
            self.give(Said(frame=Send(id=name, text=f"text of {name}"), by="ann"))

    def kinds(self) -> list[str]:
        return [entry.record.type for entry in self.log]

    def last(self, kind: str) -> Any:
        return next(entry.record for entry in reversed(self.log) if entry.record.type == kind)

    def folded(self) -> Conversation:
        """What Skuld would be after a restart."""
        talk = fresh()
        for entry in self.log:
            talk.apply(decode_entry(encode_entry(entry)))
        return talk


def ask(name: str, *rules: Rule, scopes: Sequence[parts.Scope] = ("once", "session", "always")) -> ev.Asked:
    return ev.Asked(id=name, tool="Bash", title=f"Run {name}", input={"a": 1}, rules=rules, scopes=scopes, native={"n": name})
