import { memo } from "react";
import { Link } from "wouter";
import type { Session } from "../../api/types";
import { stateOf } from "../../stores/state";
import { StateMark } from "../../ui/StateMark";
import { Ticks } from "../../ui/Ticks";
import { classes } from "../../ui/classes";
import { exact, span } from "../../ui/time";
import { useNow } from "../../ui/useNow";
import { sourceName } from "../../ui/words";
import styles from "./SessionRow.module.css";

/** One session: its state by shape, its name, since when; below, what it does or what it works on. */
export const SessionRow = memo(function SessionRow({ session, here }: { session: Session; here: boolean }) {
  const state = stateOf(session);
  const since = useNow((now) => span(now - Date.parse(state.since)));
  const place = sourceName(session.source);
  return (
    <Link
      data-row
      href={`/sessions/${session.id}`}
      aria-current={here ? "page" : undefined}
      className={classes(styles.row, here && styles.here, state.kind === "stopped" && styles.quiet)}
    >
      <StateMark kind={state.kind} className={styles.mark} />
      <span className={styles.name}>{session.name}</span>
      <time className={styles.since} dateTime={state.since} title={exact(state.since)}>
        {since}
      </time>
      <span className={classes(styles.what, state.kind === "failed" && styles.failed)}>
        <span className="visually-hidden">{state.word}. </span>
        <Ticks text={state.what || `${place} · ${session.agent}`} />
      </span>
    </Link>
  );
});
