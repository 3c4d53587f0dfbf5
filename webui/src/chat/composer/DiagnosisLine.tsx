import { type ReactNode, useState } from "react";
import { Button } from "../../ui/Button";
import { StateMark } from "../../ui/StateMark";
import { useNow } from "../../ui/useNow";
import { useChat } from "../context";
import { diagnosed } from "../core/diagnosis";
import type { Diagnosis } from "../core/frames";
import { duration } from "../format";
import { useChatState } from "../useChatState";
import styles from "./StatusLine.module.css";

/** Why nothing seems to happen, what that is known from, and the one thing that helps. */
export function DiagnosisLine({ diagnosis, onJump }: { diagnosis: Diagnosis; onJump: () => void }): ReactNode {
  const { engine, restart } = useChat();
  const interrupting = useChatState((state) => state.interrupting);
  const can = useChatState((state) => state.capabilities?.interrupt !== false);
  const [open, setOpen] = useState(false);
  const since = Date.parse(diagnosis.since);
  const seconds = useNow((now) => (Number.isNaN(since) ? 0 : Math.floor((now - since) / 1_000)));
  const { mark, words, timed } = diagnosed(diagnosis);
  const { action, evidence } = diagnosis;
  return (
    <>
      <div className={styles.line} data-look={mark === "waiting" ? "waiting" : mark === "failed" ? "failed" : "quiet"} role="status">
        <StateMark kind={mark} />
        <span className={styles.what}>{words}</span>
        {timed && seconds >= 2 && <span className={styles.time}>{duration(seconds * 1_000)}</span>}
        {evidence.length > 0 && (
          <button type="button" className={styles.why} aria-expanded={open} onClick={() => setOpen(!open)}>{open ? "Hide why" : "Why?"}</button>
        )}
        {action === "answer" && <Button look="quiet" onClick={onJump}>Go to it</Button>}
        {action === "interrupt" && can && <Button look="quiet" disabled={interrupting} onClick={() => engine.interrupt()}>{interrupting ? "Interrupting …" : "Interrupt"}</Button>}
        {action === "restart" && restart && <Button look="plain" onClick={restart}>Restart</Button>}
      </div>
      {open && evidence.length > 0 && (
        <ul className={styles.evidence}>
          {evidence.map((line) => <li key={line}>{line}</li>)}
        </ul>
      )}
    </>
  );
}
