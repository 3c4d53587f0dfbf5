import { CircleCheck } from "lucide-react";
import { grouped } from "../../stores/grouping";
import { usePending } from "../../stores/pending";
import { useSessions } from "../../stores/sessions";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Empty";
import styles from "./InboxPage.module.css";
import { PendingList } from "./PendingList";
import { SessionGroup } from "./SessionGroup";
import { usePendingWatch } from "./usePendingWatch";

/** What needs a person, who waits longest first; then what broke. */
export function InboxPage() {
  const byId = useSessions((state) => state.byId);
  const { items, loaded, absent, problem, load } = usePending();
  usePendingWatch();
  const asked = new Set(items.map((item) => item.session_id));
  const groups = grouped(byId.values())
    .filter((group) => group.id === "waiting" || group.id === "failed")
    // A session whose question stands above is not listed a second time.
    .map((group) => (group.id === "waiting" ? { ...group, sessions: group.sessions.filter((one) => !asked.has(one.id)) } : group))
    .filter((group) => group.sessions.length > 0 && (group.id === "failed" || absent || loaded || problem !== undefined));
  return (
    <main className={styles.page}>
      <header className={styles.header}>
        <h1>Inbox</h1>
      </header>
      {problem && items.length === 0 && !absent && (
        <p className={styles.problem} role="alert">
          {problem.detail} {problem.hint}
          <Button look="quiet" onClick={() => void load()}>Try again</Button>
        </p>
      )}
      {groups.length === 0 && items.length === 0 && loaded && (
        <Empty icon={<CircleCheck />} title="Nothing waits for you">
          When an agent asks for permission, has a question or breaks, it is listed here and the tab's icon lights up.
        </Empty>
      )}
      <div className={styles.groups}>
        {items.length > 0 && <PendingList items={items} />}
        {groups.map((group) => <SessionGroup key={group.id} group={group} />)}
      </div>
    </main>
  );
}
