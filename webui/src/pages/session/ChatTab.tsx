import { Suspense, lazy, useMemo } from "react";
import type { Session } from "../../api/types";
import styles from "./ChatTab.module.css";
import { Failure } from "./Failure";
import { Paused } from "./Paused";
import { StartProgress } from "./StartProgress";

const Conversation = lazy(() => import("./Conversation"));

/** The conversation, and above it what the session itself has to say: that it starts, or what broke. */
export function ChatTab({ session, showLogs }: { session: Session; showLogs: () => void }) {
  const { status } = session;
  const failed = status === "failed";
  const paused = status === "stopped" && session.error !== "";
  // The cause stands above in full: the chat need not say it again.
  const shown = useMemo((): Session => (failed || paused ? { ...session, error: "", hint: "" } : session), [failed, paused, session]);
  return (
    <>
      {failed && <Failure session={session} showLogs={showLogs} />}
      {paused && <Paused session={session} />}
      {(status === "starting" || status === "provisioning") && <StartProgress session={session} />}
      <Suspense fallback={<div className={styles.space} />}>
        <Conversation session={shown} />
      </Suspense>
    </>
  );
}
