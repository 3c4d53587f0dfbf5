import { ChevronRight } from "lucide-react";
import { useState } from "react";
import type { Group } from "../../stores/grouping";
import { classes } from "../../ui/classes";
import styles from "./SessionGroup.module.css";
import { SessionRow } from "./SessionRow";

interface SessionGroupProps {
  group: Group;
  current: string | undefined;
  /** Closed at first, behind its title. */
  foldable: boolean;
}

export function SessionGroup({ group, current, foldable }: SessionGroupProps) {
  const [unfolded, setUnfolded] = useState(false);
  const open = !foldable || unfolded || group.sessions.some((session) => session.id === current);
  const words = (
    <>
      {group.title}
      <span className={styles.count}>{group.sessions.length}</span>
    </>
  );
  return (
    <section className={styles.group}>
      <h2 className={classes(styles.title, group.id === "waiting" && styles.waiting)}>
        {foldable ? (
          <button type="button" className={styles.fold} aria-expanded={open} onClick={() => setUnfolded(!unfolded)}>
            {words}
            <ChevronRight className={classes(styles.mark, open && styles.turned)} aria-hidden />
          </button>
        ) : (
          words
        )}
      </h2>
      {open && (
        <ul>
          {group.sessions.map((session) => (
            <li key={session.id}>
              <SessionRow session={session} here={session.id === current} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
