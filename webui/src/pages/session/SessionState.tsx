import type { Session } from "../../api/types";
import { stateOf } from "../../stores/state";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateMark } from "../../ui/StateMark";
import { classes } from "../../ui/classes";
import styles from "./SessionState.module.css";

/** The state by shape, colour and word, and since when. */
export function SessionState({ session, what = false }: { session: Session; what?: boolean }) {
  const state = stateOf(session);
  return (
    <span className={classes(styles.state, styles[state.kind])}>
      <StateMark kind={state.kind} />
      <span className={styles.word}>{state.word}</span>
      {what && state.what && <span className={styles.what}>{state.what}</span>}
      <span className={styles.since}>
        <RelativeTime time={state.since} />
      </span>
    </span>
  );
}
