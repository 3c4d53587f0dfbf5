import { type ReactNode, useMemo, useState } from "react";
import { plural } from "../format";
import { useChatState } from "../useChatState";
import styles from "./Queue.module.css";
import { QueueItem } from "./QueueItem";

/** What was said while a turn runs: it goes in when the turn ends; until then it can be changed, taken back or said at once. */
export function Queue(): ReactNode {
  const running = useChatState((state) => state.view.turn !== null);
  const pending = useChatState((state) => state.view.pending);
  const outbox = useChatState((state) => state.outbox);
  const [editing, setEditing] = useState("");
  const all = useMemo(() => (running ? [...pending, ...outbox] : []), [running, pending, outbox]);
  if (all.length === 0) return null;
  return (
    <section className={styles.box} aria-label="Queued messages">
      <p className={styles.head}>{plural(all.length, "message waits", "messages wait")} for the end of this turn</p>
      <ol className={styles.queue}>
        {all.map((message) => (
          <QueueItem
            key={message.key}
            message={message}
            waits={pending.includes(message)}
            editing={editing === message.id}
            onEdit={(on) => setEditing(on ? message.id : "")}
          />
        ))}
      </ol>
    </section>
  );
}
