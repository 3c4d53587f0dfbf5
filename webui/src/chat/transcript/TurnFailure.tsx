import { RotateCcw } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "../../ui/Button";
import { StateMark } from "../../ui/StateMark";
import { Ticks } from "../../ui/Ticks";
import { useChat } from "../context";
import type { TurnEntry } from "../core/view";
import { Copy } from "../parts/Copy";
import { lineThatMatters } from "../tools/output";
import { useChatState } from "../useChatState";
import styles from "./TurnEnd.module.css";

/** What went wrong, what to do about it, and the way to try again. */
export function TurnFailure({ turn }: { turn: TurnEntry }): ReactNode {
  const { say } = useChat();
  const cause = lineThatMatters(turn.error) || "The agent did not say why.";
  const more = turn.error.replace(cause, "").trim();
  const isLast = useChatState(({ view }) => view.turn === null && view.entries.findLast((entry) => entry.type === "turn")?.key === turn.key);
  return (
    <section className={styles.failure} aria-label="The turn failed">
      <p className={styles.title}><StateMark kind="failed" /><span>failed · {cause}</span>{turn.error !== "" && <Copy text={turn.error} what="Copy the error" />}</p>
      {turn.hint !== "" && <p className={styles.hint}><Ticks text={turn.hint} /></p>}
      {more !== "" && <pre className={styles.detail} tabIndex={0}>{more}</pre>}
      {turn.asked !== "" && isLast && (
        <div>
          <Button icon={<RotateCcw aria-hidden />} disabled={say === null} onClick={() => say?.(turn.asked)}>
            Try again
          </Button>
        </div>
      )}
    </section>
  );
}
