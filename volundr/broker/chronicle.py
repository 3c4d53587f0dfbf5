"""The story of a session in a few lines: what was wanted, what changed, what is left to do. A fold over its records."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from volundr.broker.codec import Entry
from volundr.broker.records import (
    AgentMessage,
    AgentState,
    MessageRemoved,
    PermissionClosed,
    PermissionDecided,
    PermissionRaised,
    PlanChanged,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UserMessage,
)
from volundr.broker.timeline import Moment, short

LONGEST_ASKED = 300
LONGEST_SAID = 1200
LONGEST_LINE = 200
MOST_FILES = 200
MOST_COMMITS = 50
MOST_LEFT = 20


@dataclass(slots=True)
class Chronicle:
    """`files` counts changes by path, `left` are open lines of the agent's plan, `questions` the titles of open ones by id,
    `ended` says how the last turn failed, `working` since when a turn runs."""

    asked: str = ""
    said: str = ""
    files: dict[str, int] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    questions: dict[str, str] = field(default_factory=dict)
    ended: str = ""
    working: str = ""
    messages: int = 0
    seconds: float = 0.0

    def take(self, entry: Entry, moment: Moment | None) -> None:
        """`moment` is what the timeline made of the same record."""
        if moment is not None and moment.ok:
            self._changed(moment)
        match entry.record:
            case UserMessage() as record:
                self.messages += 1
                self.asked = self.asked or short(record.text, LONGEST_ASKED)
            case MessageRemoved():
                self.messages -= 1
            case AgentMessage(kind="text", parent=None, text=text):
                self.messages += 1
                self.said = short(text, LONGEST_SAID)
            case TurnStarted():
                self.working, self.ended = entry.at, ""
            case TurnFinished() as record:
                self._finished(entry.at, record)
            case PlanChanged(tasks=tasks):
                self.left = [short(task.text, LONGEST_LINE) for task in tasks if task.state != "done"][:MOST_LEFT]
            case ToolStarted(name="TodoWrite", input=given):
                self.left = _todo(given.get("todos"))
            case _:
                self._asked(entry)

    def _asked(self, entry: Entry) -> None:
        match entry.record:
            case PermissionRaised() as record:
                self.questions[record.id] = short(record.title, LONGEST_LINE)
            case PermissionDecided() | PermissionClosed() as record:
                self.questions.pop(record.id, None)
            case AgentState(state="failed", error=error):
                self.ended = f"The agent failed: {short(error, LONGEST_LINE)}"
            case _:
                pass

    def _changed(self, moment: Moment) -> None:
        for file in moment.files:
            path = short(file.path, LONGEST_LINE)
            if path in self.files or len(self.files) < MOST_FILES:
                self.files[path] = self.files.get(path, 0) + 1
        if moment.kind == "commit":
            self.commits = [*self.commits, moment.title][-MOST_COMMITS:]

    def _finished(self, at: str, record: TurnFinished) -> None:
        if self.working:
            self.seconds += _seconds(self.working, at)
        self.working = ""
        match record.status:
            case "ok":
                self.ended = ""
            case "interrupted":
                self.ended = "The last turn was interrupted."
            case "failed":
                self.ended = f"The last turn failed: {short(record.error, LONGEST_LINE)}"

    def changes(self) -> Sequence[str]:
        """Commits first, then the files that changed most."""
        most = sorted(self.files.items(), key=lambda one: (-one[1], one[0]))
        return [*(f"Commit {one}" for one in self.commits), *(_file(path, count) for path, count in most)]

    def unfinished(self) -> Sequence[str]:
        waiting = [f"Waits for an answer: {title}" for title in self.questions.values()]
        return [*([self.ended] if self.ended else []), *waiting[:MOST_LEFT], *self.left]

    def told(self) -> dict[str, object]:
        """As an item of a report, without its place."""
        summary = "\n\n".join(part for part in (self.asked, self.said) if part)
        return {
            "type": "chronicle",
            "summary": summary,
            "key_changes": list(self.changes()),
            "unfinished_work": list(self.unfinished()),
            "messages": max(0, self.messages),
            "duration_seconds": round(self.seconds, 3),
        }


def restored(state: dict[str, object]) -> Chronicle:
    """From what was kept as JSON. Raises when it has other fields."""
    return Chronicle(**state)  # type: ignore[arg-type]


def _file(path: str, count: int) -> str:
    return f"{path} ({count} changes)" if count > 1 else path


def _todo(given: object) -> list[str]:
    tasks = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    open_tasks = [str(one.get("content") or "") for one in tasks if one.get("status") != "completed"]
    return [short(text, LONGEST_LINE) for text in open_tasks if text][:MOST_LEFT]


def _seconds(begun: str, ended: str) -> float:
    try:
        return max(0.0, (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds())
    except ValueError:
        return 0.0
