import type { ReactNode } from "react";
import styles from "./Badge.module.css";

type Tone = "neutral" | "ember" | "steel" | "verdigris" | "rust" | "gold";

/** A word or a number set apart. */
export function Badge({ tone = "neutral", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`${styles.badge} ${styles[tone]}`}>{children}</span>;
}
