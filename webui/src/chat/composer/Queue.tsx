import { type ReactNode, useMemo } from "react";
import { MessageMark } from "../transcript/MessageMark";
import { useChatState } from "../useChatState";
import styles from "./Queue.module.css";

/** What was said while a turn runs: it goes in when the turn ends. */
export function Queue(): ReactNode {
  const running = useChatState((state) => state.view.turn !== null);
  const pending = useChatState((state) => state.view.pending);
  const outbox = useChatState((state) => state.outbox);
  const all = useMemo(() => (running ? [...pending, ...outbox] : []), [running, pending, outbox]);
  if (all.length === 0) return null;
  return (
    <ol className={styles.queue} aria-label="Queued messages">
      {all.map((message) => (
        <li key={message.key} className={styles.item}>
          <span className={styles.text} title={message.text}>{message.text}</span>
          <MessageMark message={message} />
        </li>
      ))}
    </ol>
  );
}
