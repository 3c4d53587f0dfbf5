"""What happened in a session, as short lines with a time: read from its records, one item for a record at most."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Literal

from volundr.broker.codec import Entry
from volundr.broker.parts import Json
from volundr.broker.records import (
    AgentMessage,
    AgentState,
    Forked,
    Notice,
    PermissionDecided,
    PermissionRaised,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    UserMessage,
)
from volundr.broker.touched import Touched, files_of

LONGEST_TITLE = 200
LONGEST_DETAIL = 600
MOST_OPEN = 64
_PATHS = ("file_path", "notebook_path", "path", "filePath")
_COMMIT = re.compile(r"\bgit\b[^\n;|&]*\bcommit\b")
_COMMITTED = re.compile(r"^\[(?P<where>[^\]\n]+?) (?P<commit>[0-9a-f]{7,40})\] (?P<subject>.*)$", re.MULTILINE)
_SECRETS = re.compile(
    r"(?P<kept>\b(?:authorization|api[_-]?key|x-api-key|password|passwd|secret|token|access[_-]?key)\b[\"']?\s*[:=]\s*[\"']?"
    r"(?:bearer\s+|basic\s+)?|\bbearer\s+|://[^\s/:@]*:)(?P<value>[^\s\"'@,;&]{4,})"
    r"|\b(?:sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}"
    r"|AKIA[A-Z0-9]{16}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)"
    r"|\b[A-Z0-9_]*(?:TOKEN|SECRET|PASSWORD|API_KEY)=\S{4,}",
    re.IGNORECASE,
)

type Happening = Literal["message", "file", "commit", "command", "permission", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One line of the timeline; `files` are those that were changed, `commit` the one that was made."""

    kind: Happening
    title: str
    detail: str = ""
    files: Sequence[Touched] = ()
    commit: str = ""
    ok: bool = True


def redacted(text: str) -> str:
    """Without what looks like a password, a key or a token: reports leave the machine that the agent works on."""
    return _SECRETS.sub(lambda found: f"{found['kept'] or ''}[hidden]", text)


def short(text: str, most: int) -> str:
    """The beginning in one line, without secrets."""
    whole = text[: 4 * most].replace("\x00", "").encode("utf-8", "replace").decode()
    line = " ".join(redacted(whole).split())
    return line if len(line) <= most else line[: most - 1] + "…"


@dataclass(slots=True)
class Timeline:
    """A fold over all records. `tools` are calls whose end is not read yet (kind, title, path, command), `said` the agent's
    newest words of this turn, `asked` the titles of questions by id."""

    tools: dict[str, tuple[str, str, str, str]] = field(default_factory=dict)
    said: str = ""
    asked: dict[str, str] = field(default_factory=dict)

    def take(self, entry: Entry) -> Moment | None:
        match entry.record:
            case UserMessage() as record:
                self.said = ""
                return Moment(kind="message", title=short(record.text, LONGEST_TITLE), detail=record.by[:100])
            case AgentMessage(kind="text", parent=None, text=text):
                self.said = text[: 4 * LONGEST_DETAIL]
                return None
            case ToolStarted() as record:
                self._open(record)
                return None
            case ToolFinished() as record:
                return self._closed(record)
            case TurnFinished() as record:
                return self._ended(record)
            case _:
                return self._rare(entry)

    def _rare(self, entry: Entry) -> Moment | None:
        match entry.record:
            case PermissionRaised() as record:
                title = self.asked[record.id] = short(record.title, LONGEST_TITLE)
                _bound(self.asked)
                return Moment(kind="permission", title=title, detail="asked")
            case PermissionDecided() as record:
                word = "allowed" if record.decision == "allow" else "denied"
                detail = short(f"{word} ({record.scope}) {record.message}", LONGEST_DETAIL)
                return Moment(kind="permission", title=self.asked.pop(record.id, record.id), detail=detail)
            case AgentState(state="failed") as record:
                return Moment(kind="error", title=short(record.error, LONGEST_TITLE), detail=short(record.hint, LONGEST_DETAIL))
            case Notice(level="error") as record:
                return Moment(kind="error", title=short(record.text, LONGEST_TITLE), detail=short(record.detail, LONGEST_DETAIL))
            case Forked():
                self.tools.clear()
                self.asked.clear()
                return None
            case _:
                return None

    def _open(self, record: ToolStarted) -> None:
        given = record.input
        command = str(given.get("command") or "")[:2000] if record.kind == "execute" else ""
        title, path = short(record.title, LONGEST_TITLE), _path(given)[:LONGEST_TITLE]
        self.tools[record.id] = (record.kind, title, path, command)
        _bound(self.tools)

    def _closed(self, record: ToolFinished) -> Moment | None:
        kind, title, path, command = self.tools.pop(record.id, ("", "", "", ""))
        detail = "" if record.ok else short(record.output, LONGEST_DETAIL) or "failed"
        if kind in {"edit", "delete"}:
            files = files_of(kind, path, record.detail) if record.ok else ()
            return Moment(kind="file", title=title, detail=detail or kind, files=files, ok=record.ok)
        if kind != "execute":
            return None
        made = _COMMITTED.search(record.output) if record.ok and _COMMIT.search(command) else None
        if made is not None:
            subject = short(made["subject"], LONGEST_TITLE - 20)
            return Moment(
                kind="commit", title=f"{made['commit'][:12]} {subject}", detail=made["where"][:100], commit=made["commit"]
            )
        return Moment(kind="command", title=title, detail=detail, ok=record.ok)

    def _ended(self, record: TurnFinished) -> Moment | None:
        self.tools.clear()
        said, self.said = self.said, ""
        if record.status == "failed":
            error = short(record.error, LONGEST_TITLE) or "The agent failed."
            return Moment(kind="error", title=error, detail=short(record.hint, LONGEST_DETAIL))
        if record.status == "interrupted":
            return Moment(kind="error", title="Interrupted", detail=short(record.error, LONGEST_DETAIL))
        return Moment(kind="message", title=short(said, LONGEST_TITLE), detail="agent") if said else None


def told(entry: Entry, moment: Moment) -> dict[str, object]:
    """As an item of a report."""
    files = {"files": [{**asdict(one), "path": redacted(one.path)} for one in moment.files]} if moment.files else {}
    commit = {"commit_hash": moment.commit} if moment.commit else {}
    return {
        "type": "timeline",
        "seq": entry.seq,
        "at": entry.at,
        "kind": moment.kind,
        "title": moment.title,
        "detail": moment.detail,
        **files,
        **commit,
    }


def _path(given: Json) -> str:
    return next((str(given[key]) for key in _PATHS if isinstance(given.get(key), str)), "")


def _bound[V](kept: dict[str, V]) -> None:
    while len(kept) > MOST_OPEN:
        del kept[next(iter(kept))]


def restored(state: Mapping[str, object]) -> Timeline:
    """From what was kept as JSON. Raises when it is something else."""
    tools, asked = state["tools"], state["asked"]
    assert isinstance(tools, dict)
    assert isinstance(asked, dict)
    opened = {str(name): (str(one[0]), str(one[1]), str(one[2]), str(one[3])) for name, one in tools.items()}
    return Timeline(tools=opened, said=str(state["said"]), asked={str(name): str(title) for name, title in asked.items()})
