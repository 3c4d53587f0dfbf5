import type { ReactNode } from "react";
import { useChatState } from "../useChatState";
import styles from "./Transcript.module.css";

/** Before the first record is here. */
export function Loading(): ReactNode {
  const state = useChatState(({ link }) => link.state);
  const words = state === "replaying" ? "Reading the conversation" : "Connecting to the session";
  return (
    <div className={styles.loading} role="status">
      <span>{words} …</span>
      <div className={styles.bar} />
      <div className={styles.bar} />
    </div>
  );
}
