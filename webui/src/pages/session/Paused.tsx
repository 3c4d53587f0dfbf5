import { Play } from "lucide-react";
import type { Session } from "../../api/types";
import { useSessions } from "../../stores/sessions";
import { act } from "../../stores/verbs";
import { Button } from "../../ui/Button";
import { StateMark } from "../../ui/StateMark";
import { Ticks } from "../../ui/Ticks";
import styles from "./Paused.module.css";

/** Why the forge stopped a session that nobody asked to stop, and how it goes on. */
export function Paused({ session }: { session: Session }) {
  const busy = useSessions((state) => state.busy.get(session.id));
  return (
    <section className={styles.paused} aria-label="Why it is paused" role="status">
      <StateMark kind="waiting" className={styles.mark} />
      <div className={styles.words}>
        <p>{session.error}</p>
        {session.hint && (
          <p className={styles.hint}>
            <Ticks text={session.hint} />
          </p>
        )}
      </div>
      <Button icon={<Play />} busy={busy === "start"} onClick={() => act(session.id, "start")}>
        Start again
      </Button>
    </section>
  );
}
