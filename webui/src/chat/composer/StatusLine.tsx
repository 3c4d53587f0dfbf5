import type { ReactNode } from "react";
import { Button } from "../../ui/Button";
import { StateMark } from "../../ui/StateMark";
import { useChat } from "../context";
import { useChatState } from "../useChatState";
import { DiagnosisLine } from "./DiagnosisLine";
import { LinkLine } from "./LinkLine";
import styles from "./StatusLine.module.css";
import { Working } from "./Working";

/** Above the composer: what the session does now, what it waits for, and whether it can be reached. */
export function StatusLine({ onJump, armed }: { onJump: () => void; armed: boolean }): ReactNode {
  const open = useChatState((state) => state.view.open.length);
  const turn = useChatState((state) => state.view.turn);
  const interrupting = useChatState((state) => state.interrupting);
  const link = useChatState((state) => state.link);
  const complaint = useChatState((state) => state.complaint);
  const loaded = useChatState((state) => state.loaded);
  const diagnosis = useChatState((state) => state.diagnosis);
  const { say } = useChat();
  const live = link.state === "live";
  const lost = link.state !== "live" && link.state !== "stopped" && link.state !== "off" && loaded;
  const idle = !turn && open === 0 && !diagnosis && live;
  return (
    <div className={styles.lines} aria-live="off">
      {idle && (
        <div className={styles.line}>
          <StateMark kind="idle" />
          <span>idle</span>
        </div>
      )}
      {open > 0 && live && diagnosis?.finding !== "waiting" && (
        <div className={styles.line} data-look="waiting">
          <StateMark kind="waiting" />
          <span>waiting for you · {open === 1 ? "1 question" : `${open} questions`}</span>
          <Button look="quiet" onClick={onJump} aria-keyshortcuts="g p">Go to it</Button>
        </div>
      )}
      {diagnosis && live && <DiagnosisLine diagnosis={diagnosis} onJump={onJump} />}
      {turn && open === 0 && !diagnosis && live && say !== null && (
        <div className={styles.line} data-look="working">
          {armed ? <span className={styles.armed}>Press Esc again to interrupt</span> : <Working turn={turn} interrupting={interrupting} />}
        </div>
      )}
      {complaint !== "" && (
        <div className={styles.line} data-look="lost" role="alert">
          <span>{complaint}</span>
        </div>
      )}
      {lost && <LinkLine link={link} />}
    </div>
  );
}
