"""Which files a tool call changed: in the words of each agent."""

import pytest

from volundr.broker.codec import Entry
from volundr.broker.outbox import Fold
from volundr.broker.records import Record, ToolFinished, ToolStarted
from volundr.broker.touched import MOST_FILES, Touched, files_of

HUNKS = [{"oldStart": 1, "lines": [" a", "-b", "+c", "+d"]}, {"lines": ["+e", 7]}]


@pytest.mark.parametrize(
    ("kind", "path", "detail", "found"),
    [
        ("edit", "a", None, [("a", "modified", 0, 0)]),
        ("edit", "", None, []),
        ("delete", "a", None, [("a", "deleted", 0, 0)]),
        # Claude Code: a new file, and an edit
        (
            "edit",
            "/w/a",
            {"type": "create", "filePath": "/w/a", "content": "1\n2\n", "structuredPatch": []},
            [("/w/a", "created", 2, 0)],
        ),
        ("edit", "/w/a", {"filePath": "/w/a", "originalFile": "x", "structuredPatch": HUNKS}, [("/w/a", "modified", 3, 1)]),
        # ACP: one file as hunks, one that is new, several
        ("edit", "a", {"path": "a", "diff": HUNKS}, [("a", "modified", 3, 1)]),
        ("edit", "", {"path": "a", "oldText": None, "newText": "x\ny"}, [("a", "created", 2, 0)]),
        (
            "edit",
            "a",
            {"diffs": [{"path": "a", "oldText": "x", "newText": "y"}, {"path": "b", "oldText": None, "newText": "z"}]},
            [("a", "modified", 0, 0), ("b", "created", 1, 0)],
        ),
        # Codex: a patch for each file
        (
            "edit",
            "a",
            {
                "diff": [
                    {"path": "a", "kind": "update", "patch": "--- a/a\n+++ b/a\n@@ -1 +1 @@\n-x\n+y\n"},
                    {"path": "b", "kind": "add", "patch": "--- /dev/null\n+++ b/b\n@@ -0,0 +1 @@\n+y\n"},
                    {"path": "c", "kind": "delete", "patch": ""},
                ]
            },
            [("a", "modified", 1, 1), ("b", "created", 1, 0), ("c", "deleted", 0, 0)],
        ),
        ("edit", "a", {"diff": "text", "structuredPatch": 7, "path": 3, "diffs": [4, {}]}, [("a", "modified", 0, 0)]),
        ("edit", "a", {"diffs": [{"path": str(n)} for n in range(500)]}, [(str(n), "modified", 0, 0) for n in range(MOST_FILES)]),
    ],
)
def test_every_agents_words_are_understood(kind: str, path: str, detail: dict[str, object] | None, found: list[object]) -> None:
    shown = [(one.path, one.action, one.insertions, one.deletions) for one in files_of(kind, path, detail)]
    assert shown == found


def told(*records: Record) -> tuple[list[dict[str, object]], Fold]:
    fold, items = Fold(), list[dict[str, object]]()
    for seq, record in enumerate(records, start=1):
        items += fold.take(Entry(seq, "2026-01-01T00:00:00.000Z", 0, record))
    return items, fold


def test_files_and_commits_are_told_with_their_line() -> None:
    items, fold = told(
        ToolStarted(id="1", name="Edit", title="Edit a", kind="edit", input={"file_path": "a"}),
        ToolFinished(id="1", ok=True, detail={"diffs": [{"path": "a", "oldText": None, "newText": "x"}, {"path": "b"}]}),
        ToolStarted(id="2", name="Edit", title="Edit c", kind="edit", input={"file_path": "c"}),
        ToolFinished(id="2", ok=False, output="no"),
        ToolStarted(id="3", name="Bash", title="Commit", kind="execute", input={"command": "git commit -m x"}),
        ToolFinished(id="3", ok=True, output="[main 1a2b3c4] Mend it"),
    )
    assert items[0]["files"] == [
        {"path": "a", "action": "created", "insertions": 1, "deletions": 0},
        {"path": "b", "action": "modified", "insertions": 0, "deletions": 0},
    ]
    assert "files" not in items[1]
    assert items[2]["commit_hash"] == "1a2b3c4"
    assert fold.chronicle.files == {"a": 1, "b": 1}
    assert Touched(path="a", action="created") != Touched(path="a", action="deleted")
