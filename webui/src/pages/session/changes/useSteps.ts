import type { RefObject } from "react";
import type { Choice } from "./choice";
import type { Laid, Row } from "./rows";

interface Steps {
  to(path: string): void;
  file(step: 1 | -1): void;
  change(step: 1 | -1): void;
  /** The change at the top of the view, as if it were chosen. */
  hunkHere(): Choice | undefined;
}

/** Going from file to file and from change to change. */
export function useSteps(box: RefObject<HTMLElement | null>, { rows, offsets, heads }: Laid, top: number): Steps {
  const scroll = (index: number | undefined, under: number) => {
    if (index !== undefined && box.current) box.current.scrollTop = (offsets[index] ?? 0) - under;
  };
  const headHeight = (offsets[1] ?? 0) - (offsets[0] ?? 0);
  const starts = () => rows.flatMap((row, index) => (isStart(row, rows[index - 1]) ? [index] : []));
  return {
    to: (path) => scroll(heads.get(path), 0),
    file(step) {
      const all = [...heads.values()];
      const here = all.findLastIndex((head) => head <= top);
      const inside = (offsets[all[here] ?? 0] ?? 0) < (box.current?.scrollTop ?? 0) - 1;
      scroll(all[step > 0 ? here + 1 : inside ? here : here - 1], 0);
    },
    change(step) {
      const at = (box.current?.scrollTop ?? 0) + headHeight;
      const places = starts();
      const next = step > 0 ? places.find((index) => (offsets[index] ?? 0) > at + 1) : places.findLast((index) => (offsets[index] ?? 0) < at - 1);
      scroll(next, headHeight);
    },
    hunkHere() {
      const row = rows.slice(top).find((each) => each.type === "line" || each.type === "pair");
      if (!row || (row.type !== "line" && row.type !== "pair")) return undefined;
      const { lines } = row.hunk;
      const from = lines.findIndex((line) => line.kind !== "same");
      const to = lines.findLastIndex((line) => line.kind !== "same");
      return { path: row.file.path, hunk: row.hunk, from, to, origin: from };
    },
  };
}

/** Whether a run of changed lines begins here. */
function isStart(row: Row, before: Row | undefined): boolean {
  return changed(row) && !(before && changed(before));
}

function changed(row: Row): boolean {
  if (row.type === "line") return row.line.kind !== "same";
  return row.type === "pair" && row.pair.left !== row.pair.right;
}
