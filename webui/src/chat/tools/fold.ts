import type { Entry, ToolEntry } from "../core/view";
import { todos } from "./describe";

export interface Run {
  type: "run";
  key: string;
  tools: readonly ToolEntry[];
}

export type Row = Entry | Run;

const SHORTEST_RUN = 3;

/** Entries as rows: three and more calls of the same kind in a row become one. Questions and failures stand alone. */
export function fold(entries: readonly Entry[]): Row[] {
  const rows: Row[] = [];
  let run: ToolEntry[] = [];
  const close = (): void => {
    const first = run[0];
    if (first && run.length >= SHORTEST_RUN) rows.push({ type: "run", key: `run:${first.key}`, tools: run });
    else rows.push(...run);
    run = [];
  };
  for (const entry of entries) {
    if (isSilent(entry)) continue;
    if (entry.type === "tool" && folds(entry)) {
      if (run[0] && kind(run[0]) !== kind(entry)) close();
      run.push(entry);
    } else {
      close();
      rows.push(entry);
    }
  }
  close();
  return rows;
}

function folds(tool: ToolEntry): boolean {
  if (tool.kind === "agent" || tool.kind === "think" || !["running", "ok"].includes(tool.state)) return false;
  return tool.children.length === 0 && todos(tool.input).length === 0;
}

function kind(tool: ToolEntry): string {
  return tool.kind === "other" ? `other:${tool.name}` : tool.kind;
}

/** A thought without words (its text is withheld by the model's maker) is nothing to read. */
function isSilent(entry: Entry): boolean {
  return entry.type === "block" && !entry.streaming && entry.text.trim() === "";
}

/** The same run object for the same calls, so that a row that did not change is not drawn again. */
export function keepSame(before: readonly Row[], after: readonly Row[]): Row[] {
  const runs = new Map(before.flatMap((row) => (row.type === "run" ? [[row.key, row] as const] : [])));
  return after.map((row) => {
    if (row.type !== "run") return row;
    const old = runs.get(row.key);
    return old && old.tools.length === row.tools.length && old.tools.every((tool, at) => tool === row.tools[at]) ? old : row;
  });
}
