import { type DiffLine, fileDiff } from "../../../chat/diff/model";

export interface PatchHunk {
  /** What git says the hunk lies in: a function, a heading; or "". */
  heading: string;
  lines: readonly DiffLine[];
}

const HEAD = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@ ?(.*)$/;

interface Bare {
  oldStart: number;
  newStart: number;
  lines: string[];
}

/** The hunks of one file's patch. Counts decide where a hunk ends, for a removed line may look like a header. */
export function readPatch(path: string, patch: string): readonly PatchHunk[] {
  const headings: string[] = [];
  const hunks: Bare[] = [];
  let before = 0;
  let after = 0;
  for (const line of patch.split("\n")) {
    const open = hunks.at(-1);
    const sign = line[0] ?? " ";
    // Counts that promise more than there is end with the next head.
    if (sign === "@") before = after = 0;
    if (open && (before > 0 || after > 0)) {
      if (sign === "\\") continue;
      if (sign !== "+") before -= 1;
      if (sign !== "-") after -= 1;
      open.lines.push(line === "" ? " " : line);
      continue;
    }
    const head = HEAD.exec(line);
    if (!head) continue;
    const start = (at: number) => Number(head[at]);
    before = Number(head[2] ?? 1);
    after = Number(head[4] ?? 1);
    headings.push(head[5] ?? "");
    hunks.push({ oldStart: start(1), newStart: start(3), lines: [] });
  }
  return fileDiff(path, "edit", hunks).hunks.map(({ lines }, at) => ({ heading: headings[at] ?? "", lines }));
}

export interface Pair {
  left: DiffLine | null;
  right: DiffLine | null;
}

/** The same lines side by side: what went beside what came. */
export function paired(lines: readonly DiffLine[]): readonly Pair[] {
  const pairs: Pair[] = [];
  let gone: DiffLine[] = [];
  let come: DiffLine[] = [];
  const flush = (): void => {
    for (let at = 0; at < Math.max(gone.length, come.length); at += 1) pairs.push({ left: gone[at] ?? null, right: come[at] ?? null });
    gone = [];
    come = [];
  };
  for (const line of lines) {
    if (line.kind === "remove") {
      if (come.length > 0) flush();
      gone.push(line);
    } else if (line.kind === "add") come.push(line);
    else {
      flush();
      pairs.push({ left: line, right: line });
    }
  }
  flush();
  return pairs;
}
