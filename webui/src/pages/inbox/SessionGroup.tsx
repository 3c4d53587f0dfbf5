import { Link } from "wouter";
import type { Group } from "../../stores/grouping";
import { stateOf } from "../../stores/state";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateMark } from "../../ui/StateMark";
import { Ticks } from "../../ui/Ticks";
import { sourceName } from "../../ui/words";
import styles from "./InboxPage.module.css";

/** Sessions that need a look, without what exactly is asked. */
export function SessionGroup({ group }: { group: Group }) {
  return (
    <section>
      <h2 className={styles.title}>{group.title}</h2>
      <ul className={styles.list}>
        {group.sessions.map((session) => {
          const state = stateOf(session);
          return (
            <li key={session.id} className={styles.item}>
              <Link data-row href={`/sessions/${session.id}`} className={styles.link}>
                <StateMark kind={state.kind} />
                <span className={styles.name}>{session.name}</span>
                <span className={styles.what}><Ticks text={state.what} /></span>
                <span className={styles.place}>{sourceName(session.source)}</span>
              </Link>
              <span className={styles.since}>
                <RelativeTime time={state.since} />
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
