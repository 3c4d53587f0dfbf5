import { describe, expect, it } from "vitest";
import type { ChangedFile, Patch } from "../../../ports/workspace";
import { byLine } from "./colours";
import { paired, readPatch } from "./patch";
import { type Measures, cells, lay, rowAt } from "./rows";

const MEASURES: Measures = { columns: 10, line: 20, head: 36, note: 44 };
const file = (path: string, more: Partial<ChangedFile> = {}): ChangedFile => ({ path, old_path: null, status: "modified", added: 1, removed: 1, binary: false, large: false, ...more });
const patch = (text: string): Patch => ({ path: "a", old_path: null, status: "modified", patch: text, binary: false, large: false, bytes: text.length });

describe("a file's patch", () => {
  it("keeps a removed line that looks like a header", () => {
    const [hunk] = readPatch("a.sql", "--- a/a.sql\n+++ b/a.sql\n@@ -3,2 +3,1 @@ SELECT\n--- /old comment\n x\n");
    expect(hunk?.heading).toBe("SELECT");
    expect(hunk?.lines.map(({ kind, text, old }) => [kind, text, old])).toEqual([["remove", "-- /old comment", 3], ["same", "x", 4]]);
  });

  it("has numbers on both sides in every hunk", () => {
    const hunks = readPatch("a", "@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\n@@ -9,0 +10,2 @@\n+c\n+d\n");
    expect(hunks.map(({ lines }) => lines.map((line) => line.new))).toEqual([[null, 1], [10, 11]]);
  });

  it("stands side by side: what went beside what came", () => {
    const [hunk] = readPatch("a", "@@ -1,4 +1,3 @@\n s\n-a\n-b\n+c\n t\n");
    expect(paired(hunk?.lines ?? []).map(({ left, right }) => [left?.text ?? null, right?.text ?? null])).toEqual([["s", "s"], ["a", "c"], ["b", null], ["t", "t"]]);
  });
});

describe("the rows of all files", () => {
  it("have places that add up, and a long line has room for all of it", () => {
    const hunks = readPatch("a", "@@ -1 +1 @@\n-short\n+a line of twenty-five chars\n");
    const { rows, offsets, heads } = lay([file("a"), file("b")], new Map([["a", { state: "ready", patch: patch("x"), hunks }]]), new Set(["b"]), false, MEASURES);
    expect(rows.map((row) => row.type)).toEqual(["file", "line", "line", "file"]);
    expect([...offsets]).toEqual([0, 36, 56, 116, 152]);
    expect(heads.get("b")).toBe(3);
    expect([0, 35, 36, 115, 116, 999].map((top) => rowAt(offsets, top))).toEqual([0, 0, 1, 2, 3, 3]);
  });

  it("are made of 50,000 lines within a blink", () => {
    const lines = Array.from({ length: 50_000 }, (_, index) => `+line ${index}`).join("\n");
    const before = performance.now();
    const hunks = readPatch("a", `@@ -0,0 +1,50000 @@\n${lines}\n`);
    const { rows } = lay([file("a")], new Map([["a", { state: "ready", patch: patch("x"), hunks }]]), new Set(), false, MEASURES);
    expect(rows).toHaveLength(50_001);
    expect(performance.now() - before).toBeLessThan(1_000);
  });

  it("say why there is nothing to show", () => {
    const files = [file("bin", { binary: true }), file("big", { large: true }), file("new")];
    const { rows } = lay(files, new Map(), new Set(), false, MEASURES);
    expect(rows.flatMap((row) => (row.type === "note" ? [row.note] : []))).toEqual(["binary", "large", "unloaded"]);
  });

  it("count tabs and wide letters", () => {
    expect(["abc", "\tx", "ab\tx", "漢字"].map(cells)).toEqual([3, 5, 5, 4]);
  });
});

it("cuts colours at line ends", () => {
  expect(byLine([{ text: "a\nb", kind: "comment" }, { text: "c\n", kind: "" }])).toEqual([
    [{ text: "a", kind: "comment" }],
    [{ text: "b", kind: "comment" }, { text: "c", kind: "" }],
    [],
  ]);
});
