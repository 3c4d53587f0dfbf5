import { memo, type ReactNode, useEffect, useRef, useState } from "react";
import { RowBoundary } from "./RowBoundary";
import { RowOf } from "./RowOf";
import type { ChunkRows } from "./chunks";
import styles from "./Transcript.module.css";

/** What a row is high before it was ever drawn: only a first guess for the scroll bar. */
const GUESS_PX = 56;

interface ChunkProps {
  chunk: ChunkRows;
  /** Always drawn: the end of the conversation, and what waits for an answer. */
  always: boolean;
  near: NearWatch;
}

/** Tells a parcel when it comes near the view, and when it is far again. */
export interface NearWatch {
  watch(element: Element, tell: (near: boolean) => void): () => void;
}

export const Chunk = memo(ChunkOf);

/** A parcel of rows; far from the view it is an empty box of the same height. */
function ChunkOf({ chunk, always, near }: ChunkProps): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const height = useRef(chunk.rows.length * GUESS_PX);
  const [isNear, setNear] = useState(false);
  const drawn = always || isNear;
  const wasDrawn = useRef(drawn);
  // Before it is emptied: its rows are still there to be measured. Measuring after each change would cost a layout each.
  if (wasDrawn.current && !drawn && box.current) height.current = box.current.offsetHeight;
  wasDrawn.current = drawn;
  useEffect(() => (box.current ? near.watch(box.current, setNear) : undefined), [near]);
  return (
    <div ref={box} className={styles.chunk} data-chunk data-drawn={drawn} style={drawn ? undefined : { height: height.current }}>
      {drawn && chunk.rows.map((row) => (
        <div key={row.key} data-row={row.key} className={styles.row} data-type={row.type === "block" ? row.kind : row.type}>
          <RowBoundary><RowOf row={row} /></RowBoundary>
        </div>
      ))}
    </div>
  );
}
