import type { Json, ToolKind } from "../core/frames";
import type { ToolEntry } from "../core/view";
import { plural } from "../format";

interface Words {
  plain: string;
  doing: string;
  done: string;
  one: string;
  many: string;
}

const WORDS: Readonly<Record<ToolKind, Words>> = {
  read: { plain: "read", doing: "Reading", done: "Read", one: "file", many: "files" },
  edit: { plain: "edit", doing: "Editing", done: "Edited", one: "file", many: "files" },
  delete: { plain: "delete", doing: "Deleting", done: "Deleted", one: "file", many: "files" },
  search: { plain: "search", doing: "Searching", done: "Searched", one: "time", many: "times" },
  execute: { plain: "run", doing: "Running", done: "Ran", one: "command", many: "commands" },
  fetch: { plain: "fetch", doing: "Fetching", done: "Fetched", one: "page", many: "pages" },
  think: { plain: "plan", doing: "Planning", done: "Plan", one: "step", many: "steps" },
  agent: { plain: "ask", doing: "Sub-agent", done: "Sub-agent", one: "call", many: "calls" },
  other: { plain: "use", doing: "Using", done: "Used", one: "time", many: "times" },
};

export interface Line {
  verb: string;
  object: string;
  /** The object is code (a command, a path), so it is set in the code's type. */
  code: boolean;
}

/** A tool call in one line: what is done to what. */
export function describe(tool: Pick<ToolEntry, "name" | "kind" | "title" | "input" | "state">): Line {
  const words = WORDS[tool.kind] ?? WORDS.other;
  const busy = tool.state === "running";
  if (tool.state === "waiting") return { ...describe({ ...tool, state: "running" }), verb: `Wants to ${words.plain}` };
  if (tool.state === "denied") return { ...describe({ ...tool, state: "running" }), verb: `Did not ${words.plain}` };
  if (tool.kind === "execute") return { verb: busy ? words.doing : words.done, object: oneLine(command(tool.input) || bare(tool)), code: true };
  if (isTodo(tool.input)) return { verb: "Plan", object: progress(tool.input), code: false };
  if (tool.kind === "other") return { verb: tool.name, object: other(tool), code: false };
  const writes = tool.kind === "edit" && /^(write|create)/i.test(tool.name);
  const verb = writes ? (busy ? "Writing" : "Wrote") : busy ? words.doing : words.done;
  const path = field(tool.input, "file_path", "path", "filePath", "notebook_path");
  if (tool.kind === "search") return { verb, object: searched(tool), code: true };
  if (tool.kind === "fetch") return { verb, object: field(tool.input, "url", "query") || bare(tool), code: true };
  if (path !== "" && tool.kind !== "agent") return { verb, object: shortPath(path), code: true };
  return { verb, object: bare(tool), code: false };
}

/** A run of calls of one kind in one line: "Read 6 files". */
export function describeRun(tools: readonly ToolEntry[]): string {
  const first = tools[0];
  if (!first) return "";
  const words = WORDS[first.kind] ?? WORDS.other;
  const verb = first.kind === "other" ? `${words.done} ${first.name}` : words.done;
  return `${verb} ${plural(tools.length, words.one, words.many)}`;
}

/** A command as one string, also when the agent gives its words one by one. */
export function command(input: Json): string {
  const value = input["command"] ?? input["cmd"];
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(String).join(" ");
  return "";
}

export function field(input: Json, ...names: readonly string[]): string {
  for (const name of names) {
    const value = input[name];
    if (typeof value === "string" && value !== "") return value;
  }
  return "";
}

export function shortPath(path: string): string {
  const parts = path.split("/");
  return path.startsWith("/") && parts.length > 5 ? `…/${parts.slice(-3).join("/")}` : path;
}

export interface Todo {
  text: string;
  state: "pending" | "in_progress" | "completed";
}

export function todos(input: Json): readonly Todo[] {
  const list = input["todos"] ?? input["plan"] ?? input["entries"];
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    if (typeof item !== "object" || item === null) return [];
    const { content, step, status } = item as Record<string, unknown>;
    const text = typeof content === "string" ? content : typeof step === "string" ? step : "";
    const state = status === "completed" || status === "in_progress" ? status : "pending";
    return text === "" ? [] : [{ text, state }];
  });
}

function isTodo(input: Json): boolean {
  return todos(input).length > 0;
}

function progress(input: Json): string {
  const list = todos(input);
  const done = list.filter((todo) => todo.state === "completed").length;
  const now = list.find((todo) => todo.state === "in_progress");
  return `${done} of ${list.length} done${now ? ` · ${now.text}` : ""}`;
}

function searched(tool: Pick<ToolEntry, "input" | "title" | "name" | "kind">): string {
  const pattern = field(tool.input, "pattern", "query", "regex");
  if (pattern === "") return bare(tool);
  const where = field(tool.input, "path", "glob", "include");
  return where === "" ? pattern : `${pattern} in ${shortPath(where)}`;
}

function other(tool: Pick<ToolEntry, "title" | "name" | "input">): string {
  const title = oneLine(tool.title);
  if (title !== "" && title !== tool.name) return title.replace(new RegExp(`^${escape(tool.name)}:?\\s*`), "");
  return field(tool.input, "description", "query", "path", "name");
}

/** The title without the verb that stands before it already. */
function bare(tool: Pick<ToolEntry, "title" | "name" | "kind" | "input">): string {
  const title = oneLine(tool.title) || field(tool.input, "description", "prompt") || tool.name;
  const { doing, done } = WORDS[tool.kind] ?? WORDS.other;
  const verbs = [tool.name, doing, done, "Run", "Read", "Edit", "Write", "Search", "Fetch", "Task"];
  const cut = title.replace(new RegExp(`^(?:${verbs.map(escape).join("|")})(?::\\s*|\\s+)`, "i"), "");
  return cut === "" ? title : cut;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

export function oneLine(text: string): string {
  const lines = text.trim().split("\n");
  const first = lines[0]?.trim() ?? "";
  return lines.length > 1 ? `${first} …` : first;
}
