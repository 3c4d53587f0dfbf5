import type { Session } from "../../api/types";
import { stateOf } from "../../stores/state";
import { ProgressSteps } from "../../ui/ProgressSteps";
import { span } from "../../ui/time";
import { useNow } from "../../ui/useNow";
import styles from "./StartProgress.module.css";
import { startSteps } from "./startSteps";

/** A start, step by step, and how long it has taken. */
export function StartProgress({ session }: { session: Session }) {
  const since = Date.parse(stateOf(session).since);
  const words = useNow((now) => span(now - since));
  return (
    <div className={styles.start}>
      <ProgressSteps steps={startSteps(session)} />
      {words !== "now" && <span className={styles.since}>{words}</span>}
    </div>
  );
}
