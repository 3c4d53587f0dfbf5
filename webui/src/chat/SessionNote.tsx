import { Play } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "../ui/Button";
import { StateMark } from "../ui/StateMark";
import { Ticks } from "../ui/Ticks";
import type { ChatSession } from "./session";
import styles from "./SessionNote.module.css";

interface SessionNoteProps {
  session: ChatSession;
  onStart: (() => void) | undefined;
}

/** Why nothing happens, when the session does not run, and the way on. */
export function SessionNote({ session, onStart }: SessionNoteProps): ReactNode {
  const start = (word: string): ReactNode => onStart && <Button icon={<Play aria-hidden />} onClick={onStart}>{word}</Button>;
  switch (session.status) {
    case "running":
      return null;
    case "starting":
    case "provisioning":
      return <Note kind="moving">starting{session.step !== "" && ` · ${session.step}`}</Note>;
    case "stopping":
      return <Note kind="moving">stopping{session.step !== "" && ` · ${session.step}`}</Note>;
    case "failed":
      // Without a cause: the page around the chat says it, with the way on.
      return session.error === "" ? null : (
        <Note kind="failed" action={start("Start again")}>
          failed · {session.error}
          {session.hint !== "" && <small><Ticks text={session.hint} /></small>}
        </Note>
      );
    case "archived":
      return <Note kind="stopped">archived</Note>;
    case "created":
      return <Note kind="stopped">Not started yet.</Note>;
    case "stopped":
      return <Note kind="stopped">{onStart ? "Stopped. What you send starts it again." : "Stopped. Start it to go on."}</Note>;
  }
}

function Note({ kind, action, children }: { kind: "moving" | "failed" | "stopped"; action?: ReactNode; children: ReactNode }): ReactNode {
  return (
    <div className={styles.note} data-kind={kind} role="status">
      <StateMark kind={kind} />
      <p>{children}</p>
      {action}
    </div>
  );
}
