import { Copy, RotateCw, ScrollText } from "lucide-react";
import type { Session } from "../../api/types";
import { causeOf } from "../../stores/cause";
import { useSessions } from "../../stores/sessions";
import { tell, tellProblem } from "../../stores/toasts";
import { act } from "../../stores/verbs";
import { Button } from "../../ui/Button";
import { StateMark } from "../../ui/StateMark";
import { Ticks } from "../../ui/Ticks";
import styles from "./Failure.module.css";

/** What broke, in its own words; what to do; and the way to try again. */
export function Failure({ session, showLogs }: { session: Session; showLogs: () => void }) {
  const busy = useSessions((state) => state.busy.get(session.id));
  const { line, rest } = causeOf(session.error || "It ended without saying why.");
  const copy = () => navigator.clipboard.writeText(session.error).then(() => tell("Copied."), tellProblem);
  return (
    <section className={styles.failure} aria-label="What went wrong" role="alert">
      <StateMark kind="failed" className={styles.mark} />
      <div className={styles.words}>
        <p className={styles.first}>{line}</p>
        {rest && (
          <pre className={styles.more} tabIndex={0}>
            {rest}
          </pre>
        )}
        {session.hint && <p className={styles.hint}><Ticks text={session.hint} /></p>}
        <div className={styles.actions}>
          <Button look="primary" icon={<RotateCw />} busy={busy === "start"} onClick={() => act(session.id, "start")}>
            Retry
          </Button>
          <Button icon={<ScrollText />} onClick={showLogs}>
            Logs
          </Button>
          <Button look="quiet" icon={<Copy />} onClick={() => void copy()}>
            Copy error
          </Button>
        </div>
      </div>
    </section>
  );
}
