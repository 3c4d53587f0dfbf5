import { type ReactNode, type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import styles from "./DiffRows.module.css";
import { type Laid, type Row, rowAt } from "./rows";

const OVERSCAN = 600;

interface DiffRowsProps {
  box: RefObject<HTMLDivElement | null>;
  laid: Laid;
  line: number;
  gutter: number;
  draw(row: Row, height: number, index: number): ReactNode;
  /** The rows that are drawn now, and the first one in view. */
  onView(first: number, last: number, top: number): void;
}

/** Only the rows in view are drawn, however many there are. What is being read stays where it is when others change their height. */
export function DiffRows({ box, laid, line, gutter, draw, onView }: DiffRowsProps) {
  const [{ top, height }, setView] = useState({ top: 0, height: 800 });
  const anchor = useRef<{ path: string; below: number; fromEnd: boolean } | undefined>(undefined);
  const { rows, offsets, heads } = laid;
  const total = offsets[rows.length] ?? 0;
  const first = rowAt(offsets, Math.max(0, top - OVERSCAN));
  const last = Math.min(rows.length - 1, rowAt(offsets, top + height + OVERSCAN));
  const look = useCallback(() => {
    const element = box.current;
    if (!element) return;
    anchor.current = anchorOf(laid, element.scrollTop);
    setView({ top: element.scrollTop, height: element.clientHeight });
  }, [box, laid]);
  useLayoutEffect(() => {
    const element = box.current;
    const kept = anchor.current;
    if (element && kept) {
      const wanted = placeOf(laid, kept);
      if (wanted !== undefined && Math.abs(wanted - element.scrollTop) > 1) element.scrollTop = wanted;
    }
    look();
  }, [box, laid, look]);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, [box, look]);
  const current = rowAt(offsets, top);
  useEffect(() => onView(first, last, current), [onView, first, last, current, laid]);
  const head = headOf(laid, current);
  const stuck = head !== undefined && (offsets[head] ?? 0) < top ? rows[head] : undefined;
  const size = (index: number) => (offsets[index + 1] ?? 0) - (offsets[index] ?? 0);
  const drawn = rows.slice(first, last + 1);
  return (
    <div ref={box} className={styles.box} tabIndex={0} role="region" aria-label="Changes" onScroll={look} style={{ "--gutter": `${gutter}px`, lineHeight: `${line}px` } as React.CSSProperties}>
      {stuck && head !== undefined && <div className={styles.stuck}>{draw(stuck, size(head), head)}</div>}
      <div style={{ height: total }}>
        <div style={{ transform: `translateY(${offsets[first] ?? 0}px)` }}>
          {drawn.map((row, index) => (
            <div key={`${heads.get(row.file.path) ?? 0}:${first + index}`} className={styles.row}>
              {draw(row, size(first + index), first + index)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

function headOf({ rows, heads }: Laid, index: number): number | undefined {
  const row = rows[index];
  return row && heads.get(row.file.path);
}

/** What is read now: how far below its file's head. In a file that is not there yet, how far above its end. */
function anchorOf(laid: Laid, top: number): { path: string; below: number; fromEnd: boolean } | undefined {
  const { rows, offsets, heads } = laid;
  const row = rows[rowAt(offsets, top)];
  const head = row && heads.get(row.file.path);
  if (!row || head === undefined) return undefined;
  const fromEnd = row.type === "note" && (row.note === "loading" || row.note === "unloaded");
  return { path: row.file.path, below: top - ((fromEnd ? endOf(laid, head) : offsets[head]) ?? 0), fromEnd };
}

function placeOf(laid: Laid, { path, below, fromEnd }: { path: string; below: number; fromEnd: boolean }): number | undefined {
  const head = laid.heads.get(path);
  if (head === undefined) return undefined;
  return ((fromEnd ? endOf(laid, head) : laid.offsets[head]) ?? 0) + below;
}

function endOf({ rows, offsets }: Laid, head: number): number {
  let at = head + 1;
  while (at < rows.length && rows[at]?.type !== "file") at += 1;
  return offsets[at] ?? 0;
}
