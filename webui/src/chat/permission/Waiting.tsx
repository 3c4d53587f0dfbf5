import type { ReactNode } from "react";
import { useNow } from "../../ui/useNow";
import { duration } from "../format";
import styles from "./OpenCard.module.css";

/** How long the agent has been waiting. */
export function Waiting({ since }: { since: number }): ReactNode {
  const seconds = useNow((now) => Math.floor((now - since) / 1_000));
  return seconds >= 3 ? <span className={styles.since}>{duration(seconds * 1_000)}</span> : null;
}
