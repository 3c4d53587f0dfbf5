import type { PatchHunk } from "./patch";

/** Lines of one hunk that a person chose. `from` and `to` are places in it, both inside. */
export interface Choice {
  path: string;
  hunk: PatchHunk;
  from: number;
  to: number;
  /** The line that was chosen first: a range grows from it. */
  origin: number;
}

/** The choice after a line was pressed: it alone, or all between it and the first one; nothing when it was the only one. */
export function choose(before: Choice | undefined, path: string, hunk: PatchHunk, at: number, further: boolean): Choice | undefined {
  if (before && before.hunk === hunk && further) return { ...before, from: Math.min(before.origin, at), to: Math.max(before.origin, at) };
  if (before && before.hunk === hunk && before.from === at && before.to === at) return undefined;
  return { path, hunk, from: at, to: at, origin: at };
}

/** Where it stands, as editors write it: `src/a.py:3-5`; by the old numbers when only removed lines were chosen. */
export function placeOf({ path, hunk, from, to }: Choice): string {
  const lines = hunk.lines.slice(from, to + 1);
  const fresh = lines.flatMap((line) => (line.new === null ? [] : [line.new]));
  const numbers = fresh.length > 0 ? fresh : lines.flatMap((line) => (line.old === null ? [] : [line.old]));
  const first = numbers[0];
  const last = numbers.at(-1);
  const range = first === undefined ? "" : first === last ? `:${first}` : `:${first}-${last}`;
  return `${path}${range}${fresh.length === 0 && first !== undefined ? " (removed)" : ""}`;
}

const MOST = 40;
const SIGNS = { add: "+", remove: "-", same: " " } as const;

/** The words that begin a question about these lines. */
export function quoteOf(choice: Choice): string {
  const lines = choice.hunk.lines.slice(choice.from, choice.to + 1).map((line) => SIGNS[line.kind] + line.text);
  const shown = lines.length > MOST ? [...lines.slice(0, MOST), `… ${lines.length - MOST} more lines`] : lines;
  const fence = "`".repeat(Math.max(3, ...shown.flatMap((line) => [...line.matchAll(/`+/g)].map((match) => match[0].length + 1))));
  return `\`${placeOf(choice)}\`\n${fence}diff\n${shown.join("\n")}\n${fence}\n`;
}
