import { describe as group, expect, it } from "vitest";
import type { Entry, ToolEntry } from "../core/view";
import { describe, describeRun } from "./describe";
import { fold, keepSame } from "./fold";
import { clamp, lineThatMatters, plain } from "./output";

let made = 0;
function tool(part: Partial<ToolEntry>): ToolEntry {
  made += 1;
  const rest = { at: "", id: String(made), output: "", cutOutput: false, detail: null, finishedAt: "", children: [] };
  return { type: "tool", key: `tool:${made}`, name: "Read", title: "", kind: "read", input: {}, state: "ok", ...rest, ...part };
}

const line = (part: Partial<ToolEntry>): string => {
  const { verb, object } = describe(tool(part));
  return `${verb} ${object}`;
};

group("a call in one line", () => {
  it("says what is done to what", () => {
    expect(line({ input: { file_path: "src/a.ts" } })).toBe("Read src/a.ts");
    expect(line({ input: { file_path: "src/a.ts" }, state: "running" })).toBe("Reading src/a.ts");
    expect(line({ kind: "execute", name: "Bash", input: { command: "npm test\nnpm run build" } })).toBe("Ran npm test …");
    expect(line({ kind: "execute", name: "shell", input: { command: ["git", "status"] } })).toBe("Ran git status");
    expect(line({ kind: "edit", name: "Write", input: { file_path: "b.py", content: "" } })).toBe("Wrote b.py");
    expect(line({ kind: "search", name: "Grep", input: { pattern: "TODO", path: "src" } })).toBe("Searched TODO in src");
    expect(line({ kind: "agent", name: "Task", title: "Task: look around" })).toBe("Sub-agent look around");
    expect(line({ kind: "other", name: "mcp__jira__get", title: "mcp__jira__get ABC-1" })).toBe("mcp__jira__get ABC-1");
  });

  it("does not repeat the verb that the title has", () => {
    expect(line({ title: "Read src/x.ts" })).toBe("Read src/x.ts");
    expect(line({ kind: "fetch", title: "Fetch https://example.org" })).toBe("Fetched https://example.org");
  });

  it("never says that something ran which was not allowed", () => {
    expect(line({ kind: "execute", input: { command: "rm -rf /" }, state: "denied" })).toBe("Did not run rm -rf /");
  });

  it("shows how far a plan is", () => {
    const todos = [{ content: "one", status: "completed" }, { content: "two", status: "in_progress" }, { content: "three" }];
    expect(line({ kind: "think", name: "TodoWrite", input: { todos } })).toBe("Plan 1 of 3 done · two");
  });
});

group("a run of the same tool", () => {
  const entries = (...tools: ToolEntry[]): Entry[] => tools;

  it("folds from three calls on, of one kind only", () => {
    const reads = [tool({}), tool({}), tool({})];
    const rows = fold(entries(...reads, tool({ kind: "execute", name: "Bash" }), tool({}), tool({})));
    expect(rows.map((row) => row.type)).toEqual(["run", "tool", "tool", "tool"]);
    expect(describeRun(reads)).toBe("Read 3 files");
  });

  it("leaves failures, questions and sub-agents alone", () => {
    const rows = fold(entries(tool({}), tool({}), tool({ state: "failed" }), tool({}), tool({ kind: "agent" })));
    expect(rows.map((row) => row.type)).toEqual(["tool", "tool", "tool", "tool", "tool"]);
  });

  it("is the same object while its calls are", () => {
    const reads = entries(tool({}), tool({}), tool({}));
    const first = fold(reads);
    expect(keepSame(first, fold(reads))[0]).toBe(first[0]);
    const more = keepSame(first, fold([...reads, tool({})]));
    expect(more[0]).not.toBe(first[0]);
    expect(more[0]?.key).toBe(first[0]?.key);
  });
});

group("output", () => {
  it("says the line that matters", () => {
    expect(lineThatMatters("Traceback (most recent call last):\n  File x\nValueError: no\n")).toBe("ValueError: no");
    expect(lineThatMatters("> assert a\nE   AssertionError: assert 1 == 2\nFAILED t.py")).toBe("AssertionError: assert 1 == 2");
    expect(lineThatMatters("compiling\nsrc/a.rs:3\nerror[E0382]: borrow of moved value\n")).toBe("error[E0382]: borrow of moved value");
    expect(lineThatMatters("ls: cannot access 'x': No such file")).toBe("ls: cannot access 'x': No such file");
    expect(lineThatMatters("exit 3")).toBe("exit 3");
    expect(lineThatMatters("")).toBe("");
  });

  it("is plain text without colours and overwritten progress", () => {
    expect(plain("\u001b[31mred\u001b[0m \u001b]0;title\u0007ok")).toBe("red ok");
    expect(plain("10%\r50%\r100%\ndone\r\n")).toBe("100%\ndone\n");
  });

  it("is clamped to its end for commands, to its beginning for files", () => {
    const long = Array.from({ length: 100 }, (_, at) => `line ${at}`).join("\n");
    expect(clamp(long, true)).toMatchObject({ hidden: 76, text: expect.stringMatching(/^line 76/) as string });
    expect(clamp(long, false).text.startsWith("line 0")).toBe(true);
    expect(clamp("short", true)).toEqual({ text: "short", hidden: 0 });
  });
});
