import type { Problem } from "../../../api/problem";
import type { DiffLine } from "../../../chat/diff/model";
import type { ChangedFile, Patch } from "../../../ports/workspace";
import { type Pair, type PatchHunk, paired } from "./patch";

export type Loaded =
  | { state: "loading" }
  | { state: "ready"; patch: Patch; hunks: readonly PatchHunk[] }
  | { state: "failed"; problem: Problem };

export type Row =
  | { type: "file"; file: ChangedFile }
  | { type: "hunk"; file: ChangedFile; heading: string; first: boolean; hunk: PatchHunk }
  | { type: "line"; file: ChangedFile; hunk: PatchHunk; at: number; line: DiffLine }
  | { type: "pair"; file: ChangedFile; hunk: PatchHunk; pair: Pair; left: number; right: number }
  | { type: "note"; file: ChangedFile; note: "unloaded" | "loading" | "large" | "binary" | "same" | "failed"; loaded?: Loaded };

/** How much room things take: letters in a line, and heights in pixels. */
export interface Measures {
  columns: number;
  line: number;
  head: number;
  note: number;
}

export interface Laid {
  rows: readonly Row[];
  /** Where each row begins, and at the end where the last one ends. */
  offsets: Float64Array;
  /** The row of each file's head. */
  heads: ReadonlyMap<string, number>;
}

const CONTEXT = 6;
const MOST_GUESSED = 400;

/** All rows of all files from top to bottom, with their places. */
export function lay(files: readonly ChangedFile[], loaded: ReadonlyMap<string, Loaded>, folded: ReadonlySet<string>, split: boolean, measures: Measures): Laid {
  const rows: Row[] = [];
  const heights: number[] = [];
  const heads = new Map<string, number>();
  const add = (row: Row, height: number): void => {
    rows.push(row);
    heights.push(height);
  };
  for (const file of files) {
    heads.set(file.path, rows.length);
    add({ type: "file", file }, measures.head);
    if (folded.has(file.path)) continue;
    const own = loaded.get(file.path);
    const note = noteOf(file, own);
    if (note) add(own ? { type: "note", file, note, loaded: own } : { type: "note", file, note }, guess(file, note, measures));
    else if (own?.state === "ready") for (const [index, hunk] of own.hunks.entries()) addHunk(add, file, hunk, index === 0, split, measures);
  }
  const offsets = new Float64Array(heights.length + 1);
  heights.forEach((height, index) => (offsets[index + 1] = (offsets[index] ?? 0) + height));
  return { rows, offsets, heads };
}

function noteOf(file: ChangedFile, own: Loaded | undefined): Extract<Row, { type: "note" }>["note"] | null {
  if (file.binary) return "binary";
  if (!own) return file.large ? "large" : "unloaded";
  if (own.state !== "ready") return own.state;
  if (own.patch.binary) return "binary";
  if (own.hunks.length > 0) return null;
  return own.patch.large ? "large" : "same";
}

function guess(file: ChangedFile, note: string, { line, note: small }: Measures): number {
  return note === "unloaded" || note === "loading" ? Math.min(MOST_GUESSED, file.added + file.removed + CONTEXT) * line : small;
}

function addHunk(add: (row: Row, height: number) => void, file: ChangedFile, hunk: PatchHunk, first: boolean, split: boolean, { columns, line: height }: Measures): void {
  const tall = (line: DiffLine | null) => (line ? Math.max(1, Math.ceil(cells(line.text) / columns)) : 1);
  if (!first || hunk.heading) add({ type: "hunk", file, hunk, heading: hunk.heading, first }, height + 4);
  if (!split) {
    hunk.lines.forEach((line, at) => add({ type: "line", file, hunk, at, line }, tall(line) * height));
    return;
  }
  const places = new Map(hunk.lines.map((line, at) => [line, at]));
  const place = (line: DiffLine | null) => (line ? (places.get(line) ?? 0) : 0);
  for (const pair of paired(hunk.lines)) {
    add({ type: "pair", file, hunk, pair, left: place(pair.left), right: place(pair.right) }, Math.max(tall(pair.left), tall(pair.right)) * height);
  }
}

const TAB = 4;
const PLAIN = /^[\x20-\x7e]*$/;
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** How many letters wide a text is, tabs and wide letters counted. */
export function cells(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const letter of text) width += letter === "\t" ? TAB - (width % TAB) : WIDE.test(letter) ? 2 : 1;
  return width;
}

/** The row at this height: the last one that begins at or above it. */
export function rowAt(offsets: Float64Array, top: number): number {
  let low = 0;
  let high = Math.max(0, offsets.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((offsets[middle] ?? 0) <= top) low = middle;
    else high = middle - 1;
  }
  return low;
}
