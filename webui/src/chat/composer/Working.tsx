import type { ReactNode } from "react";
import { StateMark } from "../../ui/StateMark";
import { useNow } from "../../ui/useNow";
import type { RunningTurn } from "../core/view";
import { duration } from "../format";
import { useChatState } from "../useChatState";
import styles from "./StatusLine.module.css";

/** "working · npm test · 12 s": what, and since when. */
export function Working({ turn, interrupting }: { turn: RunningTurn; interrupting: boolean }): ReactNode {
  const activity = useChatState((state) => state.activity);
  const what = activity?.state === "working" ? activity.what : "";
  const since = Date.parse((activity?.state === "working" && activity.since) || turn.startedAt);
  const seconds = useNow((now) => Math.max(0, Math.floor((now - since) / 1_000)));
  const by = turn.interruptBy;
  return (
    <>
      <StateMark kind="working" />
      <span className={styles.what}>
        {interrupting || by !== null ? `interrupting${by !== null && by !== "" && by !== "local" ? `, asked by ${by}` : ""}` : "working"}
        {what !== "" && ` · ${what}`}
      </span>
      {seconds >= 2 && <span className={styles.time}>{duration(seconds * 1_000)}</span>}
    </>
  );
}
