import type { Row } from "../tools/fold";

export interface ChunkRows {
  key: string;
  rows: readonly Row[];
}

const LONGEST = 60;
/** One in so many of a person's messages begins a parcel: fewer boxes to lay out, and still none that is long. */
const EVERY = 4;

/**
 * Rows in parcels that are drawn or not drawn together. A parcel begins with a person's words, and which ones depends on
 * those alone, so its bounds stay where they are when older history comes before it.
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
    if ((row.type === "message" && begins(row.key)) || open.length >= LONGEST) close();
    open.push(row);
  }
  close();
  return out;
}

function begins(key: string): boolean {
  let sum = 0;
  for (let at = 0; at < key.length; at += 1) sum = (Math.imul(sum, 31) + key.charCodeAt(at)) >>> 0;
  return sum % EVERY === 0;
}
