export interface DiffLine {
  kind: "same" | "add" | "remove";
  text: string;
  /** Line numbers before and after; null where the line does not exist, or when nobody said where the text stands. */
  old: number | null;
  new: number | null;
  /** The part of a changed line that differs from its twin: [from, to). */
  mark: readonly [number, number] | null;
}

export interface Hunk {
  lines: readonly DiffLine[];
}

export interface FileDiff {
  path: string;
  change: "add" | "edit" | "delete";
  hunks: readonly Hunk[];
  added: number;
  removed: number;
}

const LONGEST_MARKED = 400;

/** A file's diff from bare lines ("+a", "-b", " c"). `start` is where each hunk begins, null when unknown. */
export function fileDiff(
  path: string,
  change: FileDiff["change"],
  hunks: readonly { oldStart: number | null; newStart: number | null; lines: readonly string[] }[],
): FileDiff {
  let added = 0;
  let removed = 0;
  const numbered = hunks.map(({ oldStart, newStart, lines }) => {
    let before = oldStart;
    let after = newStart;
    const out: DiffLine[] = [];
    for (const line of lines) {
      const sign = line[0];
      if (sign === "\\") continue;
      const text = line.slice(1);
      if (sign === "+") {
        out.push({ kind: "add", text, old: null, new: after, mark: null });
        added += 1;
        if (after !== null) after += 1;
      } else if (sign === "-") {
        out.push({ kind: "remove", text, old: before, new: null, mark: null });
        removed += 1;
        if (before !== null) before += 1;
      } else {
        out.push({ kind: "same", text, old: before, new: after, mark: null });
        if (before !== null) before += 1;
        if (after !== null) after += 1;
      }
    }
    return { lines: withMarks(out) };
  });
  return { path, change, hunks: numbered, added, removed };
}

/** In a block of n removed lines followed by n added ones, say what differs in each pair. */
function withMarks(lines: DiffLine[]): DiffLine[] {
  for (let at = 0; at < lines.length; ) {
    const removed = stretch(lines, at, "remove");
    const added = stretch(lines, at + removed, "add");
    if (removed > 0 && removed === added) {
      for (let i = 0; i < removed; i += 1) markPair(lines, at + i, at + removed + i);
    }
    at += Math.max(removed + added, 1);
  }
  return lines;
}

function stretch(lines: readonly DiffLine[], from: number, kind: DiffLine["kind"]): number {
  let length = 0;
  while (lines[from + length]?.kind === kind) length += 1;
  return length;
}

function markPair(lines: DiffLine[], before: number, after: number): void {
  const old = lines[before];
  const fresh = lines[after];
  if (!old || !fresh || old.text.length > LONGEST_MARKED || fresh.text.length > LONGEST_MARKED) return;
  const shortest = Math.min(old.text.length, fresh.text.length);
  let head = 0;
  while (head < shortest && old.text[head] === fresh.text[head]) head += 1;
  let tail = 0;
  while (tail < shortest - head && old.text.at(-1 - tail) === fresh.text.at(-1 - tail)) tail += 1;
  // Two lines that share next to nothing are no pair; marking all of both says nothing.
  if ((head + tail) * 3 < shortest) return;
  lines[before] = { ...old, mark: [head, old.text.length - tail] };
  lines[after] = { ...fresh, mark: [head, fresh.text.length - tail] };
}
