import type { ReactNode } from "react";
import { Button } from "../../ui/Button";
import { useNow } from "../../ui/useNow";
import { useChat } from "../context";
import type { Link } from "../core/connection";
import styles from "./StatusLine.module.css";

/** The way to the session is broken: since when it is tried again, and that nothing is lost. */
export function LinkLine({ link }: { link: Link }): ReactNode {
  const { engine } = useChat();
  const left = useNow((now) => (link.state === "waiting" ? Math.max(0, Math.ceil((link.until - now) / 1_000)) : 0));
  return (
    <div className={styles.line} data-look="lost" role="status">
      <span>{words(link, left)}</span>
      {(link.state === "waiting" || link.state === "refused") && <Button look="quiet" onClick={() => engine.wake()}>Try now</Button>}
    </div>
  );
}

function words(link: Link, left: number): string {
  switch (link.state) {
    case "waiting":
      return `${link.why} Connecting again${left > 1 ? ` in ${left} s` : ""}; nothing you send is lost.`;
    case "gone":
      return "The session is not known where it ran. If it was just started, it appears in a moment.";
    case "refused":
      return link.why;
    default:
      return "Connecting again …";
  }
}
