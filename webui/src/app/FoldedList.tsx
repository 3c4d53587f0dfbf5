import { Link, useRoute } from "wouter";
import { grouped } from "../stores/grouping";
import { useSessions } from "../stores/sessions";
import { stateOf } from "../stores/state";
import { StateMark } from "../ui/StateMark";
import { Tooltip } from "../ui/Tooltip";
import { classes } from "../ui/classes";
import styles from "./FoldedList.module.css";

const SHOWN = 12;

/** The list of sessions where there is no room for it: the mark of its state and the first letters of its name. */
export function FoldedList() {
  const byId = useSessions((state) => state.byId);
  const [, params] = useRoute("/sessions/:id/:tab?");
  if (!params) return null;
  const sessions = grouped(byId.values())
    .filter((group) => group.id !== "archived")
    .flatMap((group) => group.sessions);
  return (
    <ul className={styles.list} aria-label="Sessions">
      {sessions.slice(0, SHOWN).map((session) => {
        const state = stateOf(session);
        const here = session.id === params.id;
        const words = `${session.name}: ${state.word}`;
        return (
          <li key={session.id}>
            <Tooltip text={words}>
              <Link href={`/sessions/${session.id}`} aria-label={words} aria-current={here ? "page" : undefined} className={classes(styles.item, here && styles.here)}>
                <StateMark kind={state.kind} />
                <span className={styles.letters}>{initials(session.name)}</span>
              </Link>
            </Tooltip>
          </li>
        );
      })}
    </ul>
  );
}

function initials(name: string): string {
  const parts = name.split("-").filter(Boolean);
  return (parts.length > 1 ? parts.map((part) => part[0]).join("") : name).slice(0, 3);
}
