import { Suspense, lazy, useMemo } from "react";
import type { Session } from "../../api/types";
import styles from "./ChatTab.module.css";
import { Failure } from "./Failure";
import { StartProgress } from "./StartProgress";

const Conversation = lazy(() => import("./Conversation"));

/** The conversation, and above it what the session itself has to say: that it starts, or what broke. */
export function ChatTab({ session, showLogs }: { session: Session; showLogs: () => void }) {
  const { status } = session;
  const failed = status === "failed";
  // The cause stands above in full: the chat need not say it again.
  const shown = useMemo((): Session => (failed ? { ...session, error: "", hint: "" } : session), [failed, session]);
  return (
    <>
      {failed && <Failure session={session} showLogs={showLogs} />}
      {(status === "starting" || status === "provisioning") && <StartProgress session={session} />}
      <Suspense fallback={<div className={styles.space} />}>
        <Conversation session={shown} />
      </Suspense>
    </>
  );
}
