import type { Row } from "../tools/fold";

export interface ChunkRows {
  key: string;
  rows: readonly Row[];
}

const LONGEST = 40;

/**
 * Rows in parcels that are drawn or not drawn together. A parcel begins with a person's words, so its bounds stay where
 * they are when older history comes before it.
 */
export function chunks(rows: readonly Row[], before: readonly ChunkRows[]): ChunkRows[] {
  const known = new Map(before.map((chunk) => [chunk.key, chunk]));
  const out: ChunkRows[] = [];
  let open: Row[] = [];
  const close = (): void => {
    const first = open[0];
    if (!first) return;
    const old = known.get(first.key);
    const same = old && old.rows.length === open.length && old.rows.every((row, at) => row === open[at]);
    out.push(same ? old : { key: first.key, rows: open });
    open = [];
  };
  for (const row of rows) {
    if (row.type === "message" || open.length >= LONGEST) close();
    open.push(row);
  }
  close();
  return out;
}
