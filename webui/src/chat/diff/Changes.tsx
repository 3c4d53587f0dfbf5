import type { ReactNode } from "react";
import { count } from "../format";
import styles from "./Diff.module.css";

export function Changes({ added, removed }: { added: number; removed: number }): ReactNode {
  return (
    <span className={styles.changes} aria-label={`${added} lines added, ${removed} removed`}>
      {added > 0 && <span className={styles.added}>+{count(added)}</span>}
      {removed > 0 && <span className={styles.removed}>−{count(removed)}</span>}
    </span>
  );
}
