import { type ReactNode, useState } from "react";
import { plural } from "../format";
import type { MessageEntry } from "../core/view";
import { Attached } from "./Attached";
import { MessageMark } from "./MessageMark";
import { Typed } from "./Typed";
import styles from "./UserWords.module.css";

const LONG_LINES = 24;
const LONG_CHARS = 3_000;

/** A person's words, as typed, with the ember rule at their left. */
export function UserWords({ message }: { message: MessageEntry }): ReactNode {
  const [all, setAll] = useState(false);
  const lines = message.text.split("\n");
  const long = lines.length > LONG_LINES + 4 || message.text.length > LONG_CHARS;
  const shown = long && !all ? lines.slice(0, LONG_LINES).join("\n").slice(0, LONG_CHARS) : message.text;
  return (
    <section className={styles.words} data-state={message.state} aria-label={`${message.by || "You"} said`}>
      <Attached files={message.attachments} />
      {message.text !== "" && <div className={styles.text}><Typed text={shown} />{long && !all && " …"}</div>}
      {long && (
        <button type="button" className={styles.more} onClick={() => setAll(!all)}>
          {all ? "Show less" : `Show all ${plural(lines.length, "line", "lines")}`}
        </button>
      )}
      <MessageMark message={message} />
    </section>
  );
}
