"""What leaves a session: a timeline and a chronicle, read from its records."""

import json
from collections.abc import Sequence
from pathlib import Path

from volundr.broker.chronicle import Chronicle
from volundr.broker.codec import Entry
from volundr.broker.parts import Task
from volundr.broker.records import (
    AgentMessage,
    PermissionDecided,
    PermissionRaised,
    PlanChanged,
    Record,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UserMessage,
)
from volundr.broker.timeline import Timeline, redacted


def fold(*records: Record) -> tuple[list[tuple[str, str]], Chronicle]:
    timeline, chronicle, seen = Timeline(), Chronicle(), list[tuple[str, str]]()
    for seq, record in enumerate(records, start=1):
        entry = Entry(seq, f"2026-01-01T00:00:{seq % 60:02}.000Z", 0, record)
        moment = timeline.take(entry)
        chronicle.take(entry, moment)
        if moment is not None:
            seen.append((moment.kind, moment.title))
    return seen, chronicle


def ran(name: str, command: str, output: str = "", ok: bool = True) -> Sequence[Record]:
    return (
        ToolStarted(id=name, name="Bash", title=f"Bash: {command}", kind="execute", input={"command": command}),
        ToolFinished(id=name, ok=ok, output=output),
    )


def wrote(name: str, path: str, ok: bool = True) -> Sequence[Record]:
    return (
        ToolStarted(id=name, name="Write", title=f"Write {path}", kind="edit", input={"file_path": path}),
        ToolFinished(id=name, ok=ok, output="" if ok else "no such folder"),
    )


def test_files_and_commits_are_the_key_changes() -> None:
    seen, chronicle = fold(
        UserMessage(id="m", text="Mend the login,\nplease"),
        TurnStarted(turn=1, messages=["m"]),
        *wrote("1", "src/login.py"),
        *wrote("2", "src/login.py"),
        *wrote("3", "docs/login.md"),
        *wrote("4", "nowhere/x", ok=False),
        *ran("5", "pytest", "1 failed", ok=False),
        *ran("6", "git add -A && git commit -m 'Mend login'", "[main 1a2b3c4] Mend login\n 2 files changed"),
        *ran("7", "echo '[main 1a2b3c4] no'", "[main 1a2b3c4] no commit at all"),
        AgentMessage(id="a", block=0, kind="text", text="It is mended."),
        TurnFinished(turn=1, status="ok"),
    )
    assert list(chronicle.changes()) == ["Commit 1a2b3c4 Mend login", "src/login.py (2 changes)", "docs/login.md"]
    assert chronicle.told()["summary"] == "Mend the login, please\n\nIt is mended."
    assert list(chronicle.unfinished()) == []
    assert [kind for kind, _ in seen] == ["message", *["file"] * 4, "command", "commit", "command", "message"]


def test_open_tasks_questions_and_a_failed_turn_are_left_to_do() -> None:
    _, chronicle = fold(
        UserMessage(id="m", text="x"),
        TurnStarted(turn=1, messages=["m"]),
        PlanChanged(tasks=[Task(text="one", state="done"), Task(text="two", state="working"), Task(text="three")]),
        PermissionRaised(id="p", tool="Bash", title="Bash: make", input={}),
        PermissionRaised(id="q", tool="Bash", title="Bash: rm x", input={}),
        PermissionDecided(id="q", decision="deny"),
        TurnFinished(turn=1, status="failed", error="overloaded"),
    )
    assert list(chronicle.unfinished()) == ["The last turn failed: overloaded", "Waits for an answer: Bash: make", "two", "three"]


def test_a_to_do_list_of_the_older_kind_counts_as_a_plan() -> None:
    todos = [{"content": "a", "status": "completed"}, {"content": "b", "status": "pending"}, 7]
    _, chronicle = fold(ToolStarted(id="t", name="TodoWrite", title="Update", input={"todos": todos}))
    assert list(chronicle.unfinished()) == ["b"]


def test_what_is_told_stays_small(tmp_path: Path) -> None:
    long = "word " * 10_000
    _, chronicle = fold(
        UserMessage(id="m", text=long),
        *(record for number in range(1000) for record in wrote(str(number), f"{number:04}" * 50)),
        *(record for n in range(200) for record in ran(f"c{n}", "git commit", f"[main {n:07x}] {long}")),
        AgentMessage(id="a", block=0, kind="text", text=long),
        PlanChanged(tasks=[Task(text=long)] * 500),
        TurnFinished(turn=1, status="failed", error=long),
    )
    assert len(json.dumps(chronicle.told())) < 80_000


def test_secrets_are_not_told() -> None:
    for text, shown in (
        ("curl -H 'Authorization: Bearer abcdef0123' x", "curl -H 'Authorization: Bearer [hidden]' x"),
        ("git clone https://ann:hunter22@host/x", "git clone https://ann:[hidden]@host/x"),
        ("export ANTHROPIC_API_KEY=sk-ant-REDACTED", "export [hidden]"),
        ("use ghp_0123456789abcdefghij0123", "use [hidden]"),
        ('{"password": "geheim1"}', '{"password": "[hidden]"}'),
        ("write a token parser for the secret santa page", "write a token parser for the secret santa page"),
    ):
        assert redacted(text) == shown
