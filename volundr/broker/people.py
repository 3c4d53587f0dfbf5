"""What people may do to a conversation, and what follows from it: pure."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from volundr.broker.frames import Choose, Decide, Edit, Interrupt, Rejected, Remove, Send, Stored
from volundr.broker.parts import Attachment, Rule
from volundr.broker.records import (
    Chosen,
    InterruptRequested,
    MessageEdited,
    MessageRemoved,
    MessageSteered,
    PermissionDecided,
    TurnStarted,
    UserMessage,
)
from volundr.broker.runs import Item, Runs
from volundr.broker.state import CHOICES

LONGEST_ID = 200
LONGEST_CHOICE = 200

type Doing = Send | Decide | Interrupt | Edit | Remove | Choose


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A frame of a client, who it is, and the uploads that the frame names."""

    frame: Doing
    by: str = ""
    attachments: Sequence[Attachment] = ()


class People(Runs):
    """The verbs of people."""

    def _said(self, said: Said) -> Iterator[Item]:
        match said.frame:
            case Send() as frame:
                yield from self._send(frame, said)
            case Decide() as frame:
                yield from self._decide(frame, said.by)
            case Interrupt():
                yield from self._interrupt(said.by)
            case Edit() as frame:
                yield from self._edit(frame, said.by)
            case Remove() as frame:
                yield from self._remove(frame, said.by)
            case Choose() as frame:
                yield from self._choose(frame, said.by)

    def _send(self, frame: Send, said: Said) -> Iterator[Item]:
        state = self.state
        if frame.id in state.stored:
            yield Stored(id=frame.id, seq=state.stored[frame.id])
            return
        if refusal := self._refusal(frame):
            yield Rejected(id=frame.id, error=refusal)
            return
        yield UserMessage(id=frame.id, text=frame.text, by=said.by, attachments=tuple(said.attachments))
        yield Stored(id=frame.id, seq=state.seq + 1)
        if state.working:
            if frame.steer and self._can_steer():
                yield MessageSteered(id=frame.id, turn=state.turn)
        elif not state.alive:
            yield self._new_run(state.native)
            yield TurnStarted(turn=state.turn + 1, messages=(*state.waiting, frame.id))
        elif not self.capabilities.per_message:
            yield TurnStarted(turn=state.turn + 1, messages=(*state.waiting, frame.id))

    def _can_steer(self) -> bool:
        return self.capabilities.steer and self.state.alive and not self.state.interrupting

    def _refusal(self, frame: Send) -> str:
        if self.state.phase:
            return "This session is being stopped. Start it again to go on."
        if not 0 < len(frame.id) <= LONGEST_ID:
            return f"A message needs an id of 1 to {LONGEST_ID} characters."
        return "" if frame.text.strip() or frame.attachments else "A message needs some text."

    def _edit(self, frame: Edit, by: str) -> Iterator[Item]:
        if frame.id not in self.state.waiting:
            yield Rejected(id=frame.id, error=self._not_waiting(frame.id))
        elif not frame.text.strip():
            yield Rejected(id=frame.id, error="A message needs some text. Remove it to take it back.")
        elif frame.text != self.state.waiting[frame.id]:
            yield MessageEdited(id=frame.id, text=frame.text, by=by)

    def _remove(self, frame: Remove, by: str) -> Iterator[Item]:
        if frame.id in self.state.waiting:
            yield MessageRemoved(id=frame.id, by=by)
        else:
            yield Rejected(id=frame.id, error=self._not_waiting(frame.id))

    def _not_waiting(self, name: str) -> str:
        if name in self.state.stored:
            return "The agent has this message already, or it was taken back."
        return "There is no such message."

    def _choose(self, frame: Choose, by: str) -> Iterator[Item]:
        given = {name: value for name in CHOICES if (value := getattr(frame, name)) is not None}
        refusals = [refusal for name, value in given.items() if (refusal := self._no_choice(name, value))]
        if refusals or not given:
            yield Rejected(id="", error=refusals[0] if refusals else "Nothing was chosen.")
        else:
            yield Chosen(**given, by=by)

    def _no_choice(self, name: str, value: str) -> str:
        """Why this cannot be chosen. Agents take any nonsense at first, so it is checked here."""
        words = {"model": "model", "mode": "permission mode", "thinking": "amount of thinking"}[name]
        if not getattr(self.capabilities, name):
            return f"This agent cannot change its {words} while the session lives."
        offered = {"model": self.state.offers.models, "mode": self.state.offers.modes, "thinking": self.state.offers.thinking}
        known = [choice.id for choice in offered[name]]
        if known and value not in known:
            return f"This agent has no {words} {value[:LONGEST_CHOICE]!r}. It has: {', '.join(known)}."
        return "" if 0 < len(value) <= LONGEST_CHOICE else f"A {words} has 1 to {LONGEST_CHOICE} characters."

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
            if asked.id != besides and covered(asked.rules, kept):
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


def covered(rules: Sequence[Rule], kept: Set[Rule]) -> bool:
    """Whether all of a question's rules are kept. A rule without a subject stands for any use of its tool."""
    return bool(rules) and all(rule in kept or Rule(tool=rule.tool) in kept for rule in rules)
