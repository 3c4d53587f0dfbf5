import { CircleCheck } from "lucide-react";
import { Link } from "wouter";
import { grouped } from "../../stores/grouping";
import { useSessions } from "../../stores/sessions";
import { stateOf } from "../../stores/state";
import { Empty } from "../../ui/Empty";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateMark } from "../../ui/StateMark";
import { sourceName } from "../../ui/words";
import styles from "./InboxPage.module.css";

/** What needs a person, who waits longest first; then what broke. */
export function InboxPage() {
  const byId = useSessions((state) => state.byId);
  const groups = grouped(byId.values()).filter((group) => group.id === "waiting" || group.id === "failed");
  return (
    <main className={styles.page}>
      <header className={styles.header}>
        <h1>Inbox</h1>
      </header>
      {groups.length === 0 && (
        <Empty icon={<CircleCheck />} title="Nothing waits for you">
          When an agent asks for permission, has a question or breaks, it is listed here and the tab's icon lights up.
        </Empty>
      )}
      <div className={styles.groups}>
        {groups.map((group) => (
          <section key={group.id}>
            <h2 className={styles.title}>{group.title}</h2>
            <ul className={styles.list}>
              {group.sessions.map((session) => {
                const state = stateOf(session);
                return (
                  <li key={session.id} className={styles.item}>
                    <Link data-row href={`/sessions/${session.id}`} className={styles.link}>
                      <StateMark kind={state.kind} />
                      <span className={styles.name}>{session.name}</span>
                      <span className={styles.what}>{state.what}</span>
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
        ))}
      </div>
    </main>
  );
}
