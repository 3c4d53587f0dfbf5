import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef } from "react";
import styles from "./Split.module.css";

interface SplitProps {
  label: string;
  width: number;
  min: number;
  max: number;
  onWidth(width: number): void;
  side: ReactNode;
  children: ReactNode;
}

const STEP = 16;

/** A side of a width that the person sets (drag the edge, or arrow keys on it), and the rest. */
export function Split({ label, width, min, max, onWidth, side, children }: SplitProps) {
  const frame = useRef<HTMLDivElement>(null);
  const clamp = (wanted: number) => Math.round(Math.min(max, Math.max(min, wanted)));
  const now = clamp(width);
  const drag = (event: PointerEvent<HTMLDivElement>) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId) || !frame.current) return;
    onWidth(clamp(event.clientX - frame.current.getBoundingClientRect().left));
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (step) onWidth(clamp(now + step));
  };
  return (
    <div ref={frame} className={styles.split}>
      <div className={styles.side} style={{ width: now }}>
        {side}
      </div>
      <div
        role="separator"
        aria-orientation="vertical"
        aria-label={label}
        aria-valuenow={now}
        aria-valuemin={min}
        aria-valuemax={max}
        tabIndex={0}
        className={styles.handle}
        onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
        onPointerMove={drag}
        onKeyDown={press}
      />
      <div className={styles.rest}>{children}</div>
    </div>
  );
}
