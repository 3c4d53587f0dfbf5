import styles from "./StateMark.module.css";
import { classes } from "./classes";
import type { StateKind } from "./state";

/** The shape and colour of a state. Decoration: the word beside it says the same. */
export function StateMark({ kind, className }: { kind: StateKind; className?: string | undefined }) {
  return (
    <svg viewBox="0 0 12 12" aria-hidden className={classes(styles.mark, styles[kind], className)}>
      {SHAPES[kind]}
    </svg>
  );
}

const SHAPES = {
  waiting: <circle cx="6" cy="6" r="4" className={styles.fill} />,
  working: (
    <>
      <rect x="0.5" y="4.75" width="11" height="2.5" rx="1.25" className={styles.track} />
      <rect x="0.5" y="4.75" width="5" height="2.5" rx="1.25" className={styles.runner} />
    </>
  ),
  idle: <circle cx="6" cy="6" r="3.25" className={styles.ring} />,
  moving: (
    <>
      <rect x="0.5" y="4" width="3" height="4" rx="0.75" className={styles.fill} />
      <rect x="4.5" y="4" width="3" height="4" rx="0.75" className={styles.half} />
      <rect x="8.5" y="4" width="3" height="4" rx="0.75" className={styles.track} />
    </>
  ),
  stopped: <rect x="2.75" y="2.75" width="6.5" height="6.5" rx="1" className={styles.fill} />,
  failed: <path d="M6 1.75 11 10.25 1 10.25Z" className={styles.fill} />,
} as const;
