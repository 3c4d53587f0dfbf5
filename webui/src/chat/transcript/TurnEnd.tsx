import { CircleSlash } from "lucide-react";
import type { ReactNode } from "react";
import type { TurnEntry } from "../core/view";
import { count, duration, exactly, money, moment, short, total } from "../format";
import { lineThatMatters } from "../tools/output";
import styles from "./TurnEnd.module.css";
import { TurnFailure } from "./TurnFailure";

/** How a turn ended and what it took. */
export function TurnEnd({ turn }: { turn: TurnEntry }): ReactNode {
  const sum = total(turn.usage);
  const models = turn.usage.map((part) => part.model).filter((model) => model !== "").join(", ");
  return (
    <footer className={styles.end}>
      {turn.status === "failed" && <TurnFailure turn={turn} />}
      <p className={styles.line} title={models}>
        {turn.status === "interrupted" && (
          <span className={styles.cut}>
            <CircleSlash aria-hidden />
            Interrupted{turn.interruptedBy !== "" && turn.interruptedBy !== "local" && ` by ${turn.interruptedBy}`}
          </span>
        )}
        {turn.status !== "failed" && turn.error !== "" && <span>{lineThatMatters(turn.error)}</span>}
        <time dateTime={turn.at} title={exactly(turn.at)}>{moment(turn.at)}</time>
        {turn.durationMs > 0 && <span>{duration(turn.durationMs)}</span>}
        {turn.usage.length > 0 && (
          <>
            <span title={`${count(sum.input)} tokens in`}>{short(sum.input)} in</span>
            <span title={`${count(sum.output)} tokens out`}>{short(sum.output)} out</span>
            {sum.cache > 0 && <span title={`${count(sum.cache)} tokens from and to the cache`}>{short(sum.cache)} cache</span>}
            <span>{money(sum.cost)}</span>
          </>
        )}
      </p>
    </footer>
  );
}
