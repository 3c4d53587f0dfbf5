import { structuredPatch } from "diff";
import type { Json } from "../core/frames";
import { type FileDiff, fileDiff } from "./model";

const CONTEXT = 3;
const DIFF_MS = 150;
const HUNK_HEAD = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;

const read = new WeakMap<object, readonly FileDiff[]>();

/** The files a call changes, from what it was asked to do and, once it ran, from what it says it did. */
export function diffsOf(input: Json, detail: Json | null): readonly FileDiff[] {
  const key = detail ?? input;
  const known = read.get(key);
  if (known) return known;
  const diffs = (detail ? fromDetail(detail) : []).concat();
  const result = diffs.length > 0 ? diffs : fromInput(input);
  read.set(key, result);
  return result;
}

function fromDetail(detail: Json): FileDiff[] {
  const path = text(detail, "filePath", "file_path", "path");
  const own = one({ ...detail, path });
  const lists = [detail["diff"], detail["diffs"], detail["changes"]];
  for (const list of lists) {
    if (typeof list === "string") return unified(list, path);
    if (Array.isArray(list) && list.some((item) => isJson(item) && Array.isArray(item["lines"]))) {
      return [fileDiff(path, changeOf(detail), list.flatMap(hunk))];
    }
    if (Array.isArray(list)) return list.flatMap((item: unknown) => (isJson(item) ? one(item) : []));
  }
  return own;
}

function fromInput(input: Json): FileDiff[] {
  const path = text(input, "file_path", "path", "filePath", "notebook_path");
  const edits = input["edits"];
  if (Array.isArray(edits)) {
    const parts = edits.flatMap((edit: unknown) => (isJson(edit) ? one({ ...edit, path }) : []));
    return parts.length > 1 ? [joined(path, parts)] : parts;
  }
  const patch = text(input, "patch", "diff");
  if (patch !== "") return unified(patch, path);
  const diffs = one({ ...input, path });
  if (diffs.length > 0) return diffs;
  const content = input["content"];
  return path !== "" && typeof content === "string" ? [compare(path, "", content, true)] : [];
}

/** One file, in whichever of the ways agents say it. */
function one(item: Json): FileDiff[] {
  const path = text(item, "path", "filePath", "file_path");
  const hunks = item["structuredPatch"] ?? item["hunks"];
  if (Array.isArray(hunks) && hunks.length > 0) return [fileDiff(path, changeOf(item), hunks.flatMap(hunk))];
  const patch = text(item, "patch", "unified", "diff", "unified_diff");
  if (patch !== "") return unified(patch, path);
  const before = item["old_string"] ?? item["oldText"] ?? item["old_text"] ?? item["old"] ?? null;
  const after = item["new_string"] ?? item["newText"] ?? item["new_text"] ?? item["new"];
  if (typeof after === "string" && (before === null || typeof before === "string")) {
    return [compare(path, before ?? "", after, before === null)];
  }
  const content = item["content"];
  return item["type"] === "create" && typeof content === "string" ? [compare(path, "", content, true)] : [];
}

function hunk(value: unknown): { oldStart: number; newStart: number; lines: readonly string[] }[] {
  if (!isJson(value) || !Array.isArray(value["lines"])) return [];
  const lines = value["lines"].filter((line): line is string => typeof line === "string");
  return [{ oldStart: number(value, "oldStart", "old_start"), newStart: number(value, "newStart", "new_start"), lines }];
}

function compare(path: string, before: string, after: string, whole: boolean): FileDiff {
  const change = before === "" ? "add" : after === "" && whole ? "delete" : "edit";
  if (before === "") {
    const lines = after.replace(/\n$/, "").split("\n");
    return fileDiff(path, change, [{ oldStart: null, newStart: whole ? 1 : null, lines: lines.map((line) => `+${line}`) }]);
  }
  const patch = structuredPatch(path, path, before, after, "", "", { context: CONTEXT, timeout: DIFF_MS });
  const all = (sign: string, value: string): string[] => value.split("\n").map((line) => sign + line);
  // Too different to compare in time: everything goes, everything comes.
  const hunks = patch ? patch.hunks : [{ lines: [...all("-", before), ...all("+", after)] }];
  return fileDiff(path, change, hunks.map(({ lines }) => ({ oldStart: null, newStart: null, lines })));
}

function unified(patch: string, path: string): FileDiff[] {
  const files: FileDiff[] = [];
  let name = path;
  let hunks: { oldStart: number; newStart: number; lines: string[] }[] = [];
  let created = false;
  const close = (): void => {
    if (hunks.length > 0) files.push(fileDiff(name, created ? "add" : "edit", hunks));
    hunks = [];
    created = false;
  };
  let left = false;
  for (const line of patch.replace(/\n$/, "").split("\n")) {
    const head = HUNK_HEAD.exec(line);
    if (head) {
      hunks.push({ oldStart: Number(head[1]), newStart: Number(head[2]), lines: [] });
      left = true;
    } else if (line.startsWith("diff --git ") || (line.startsWith("--- ") && !inHunk(hunks, line))) {
      if (hunks.length > 0) close();
      left = false;
      if (line === "--- /dev/null") created = true;
    } else if (line.startsWith("+++ ") && !left) {
      if (line !== "+++ /dev/null") name = line.slice(4).replace(/^b\//, "");
    } else if (left) hunks.at(-1)?.lines.push(line === "" ? " " : line);
  }
  close();
  return files;
}

/** "--- x" can also be a removed line "-- x": it is a header only when a "+++" would follow, i.e. outside of a hunk. */
function inHunk(hunks: readonly unknown[], line: string): boolean {
  return hunks.length > 0 && !/^--- (a\/|\/)/.test(line);
}

function joined(path: string, parts: readonly FileDiff[]): FileDiff {
  const sum = (name: "added" | "removed"): number => parts.reduce((all, part) => all + part[name], 0);
  return { path, change: "edit", hunks: parts.flatMap((part) => part.hunks), added: sum("added"), removed: sum("removed") };
}

function changeOf(item: Json): FileDiff["change"] {
  const kind = item["kind"] ?? item["type"] ?? item["change"];
  return kind === "add" || kind === "create" ? "add" : kind === "delete" ? "delete" : "edit";
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: Json, ...names: readonly string[]): string {
  for (const name of names) {
    const found = value[name];
    if (typeof found === "string" && found !== "") return found;
  }
  return "";
}

function number(value: Json, ...names: readonly string[]): number {
  for (const name of names) {
    const found = value[name];
    if (typeof found === "number") return found;
  }
  return 1;
}
