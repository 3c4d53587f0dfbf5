import { describe, expect, it } from "vitest";
import type { FileDiff } from "./model";
import { diffsOf } from "./read";

const drawn = (file: FileDiff | undefined): string[] =>
  (file?.hunks ?? []).flatMap(({ lines }) => lines.map(({ kind, text }) => `${{ add: "+", remove: "-", same: " " }[kind]}${text}`));

describe("a diff", () => {
  it("comes from old and new text of an edit", () => {
    const [file] = diffsOf({ file_path: "a.py", old_string: "x = 1\ny = 2\n", new_string: "x = 1\ny = 3\n" }, null);
    expect(drawn(file)).toEqual([" x = 1", "-y = 2", "+y = 3"]);
    expect(file).toMatchObject({ path: "a.py", change: "edit", added: 1, removed: 1 });
    expect(file?.hunks[0]?.lines[1]).toMatchObject({ old: null, mark: [4, 5] });
  });

  it("comes from a file that is written", () => {
    const [file] = diffsOf({ file_path: "n.txt", content: "one\ntwo\n" }, null);
    expect(drawn(file)).toEqual(["+one", "+two"]);
    expect(file).toMatchObject({ change: "add", added: 2, removed: 0 });
  });

  it("comes from several edits of one file", () => {
    const edits = [{ old_string: "a", new_string: "b" }, { old_string: "c", new_string: "d" }];
    expect(diffsOf({ file_path: "m", edits }, null)).toMatchObject([{ path: "m", added: 2, removed: 2 }]);
  });

  it("prefers what the tool says it did, with the lines' numbers", () => {
    const structuredPatch = [{ oldStart: 10, oldLines: 2, newStart: 12, newLines: 2, lines: [" a", "-b", "+c"] }];
    const [file] = diffsOf({ file_path: "x" }, { filePath: "x", structuredPatch });
    expect(file?.hunks[0]?.lines.map(({ old, new: fresh }) => [old, fresh])).toEqual([[10, 12], [11, null], [null, 13]]);
  });

  it("comes from the list of an agent, in text or in parts", () => {
    const diff = [{ type: "diff", path: "a", oldText: "1\n", newText: "2\n" }, { path: "b", oldText: null, newText: "new\n" }];
    expect(diffsOf({}, { diff })).toMatchObject([{ path: "a", change: "edit" }, { path: "b", change: "add" }]);
    const changes = [{ path: "c", kind: "update", diff: "@@ -1,2 +1,2 @@\n a\n-b\n+c\n" }];
    expect(diffsOf({}, { changes })).toMatchObject([{ path: "c", added: 1, removed: 1 }]);
  });

  it("comes from the bare hunks of one file", () => {
    const diff = [{ oldStart: 0, oldLines: 0, newStart: 1, newLines: 1, lines: ["+Some text"] }];
    expect(diffsOf({ file_path: "n" }, { path: "notes.md", diff })).toMatchObject([{ path: "notes.md", added: 1 }]);
  });

  it("comes from a unified diff of many files", () => {
    const text = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\ndiff --git a/y b/y\nnew file mode 100644\n--- /dev/null\n+++ b/y\n@@ -0,0 +1 @@\n+hello\n\\ No newline at end of file";
    expect(diffsOf({ patch: text }, null)).toMatchObject([{ path: "x", change: "edit", added: 1, removed: 1 }, { path: "y", change: "add", added: 1 }]);
  });

  it("is none where nothing is changed", () => {
    expect(diffsOf({ command: "ls" }, null)).toEqual([]);
    expect(diffsOf({ file_path: "a" }, { stdout: "" })).toEqual([]);
  });
});
