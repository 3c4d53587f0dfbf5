import { ArrowDown } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { count } from "../format";
import type { Row } from "../tools/fold";
import styles from "./Transcript.module.css";

interface NewPillProps {
  rows: readonly Row[];
  following: boolean;
  toEnd: () => void;
}

/** Away from the end: how much came since, and the way back. */
export function NewPill({ rows, following, toEnd }: NewPillProps): ReactNode {
  const lastSeen = useRef("");
  // A block that still grows stays the last row whatever comes: it is no mark to count from.
  const last = rows.findLast((row) => row.type !== "block" || !row.streaming)?.key ?? "";
  useEffect(() => {
    if (following) lastSeen.current = last;
  }, [following, last]);
  if (following) return null;
  const at = rows.findLastIndex((row) => row.key === lastSeen.current);
  const fresh = at < 0 ? 0 : rows.slice(at + 1).filter((row) => row.type !== "block" || !row.streaming).length;
  return (
    <button type="button" className={styles.pill} onClick={toEnd}>
      <ArrowDown aria-hidden />
      {fresh > 0 ? `${count(fresh)} new` : "To the end"}
    </button>
  );
}
