import { Play } from "lucide-react";
import type { ReactNode } from "react";
import type { Session } from "../../api/types";
import { useSessions } from "../../stores/sessions";
import { VERB_WORDS, act, verbsOf } from "../../stores/verbs";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Empty";
import { StartProgress } from "./StartProgress";

interface WhileRunningProps {
  session: Session;
  /** What is reached through the running session, as it begins a sentence: "Its files". */
  what: string;
  icon: ReactNode;
  children: ReactNode;
}

/** Shows its children while the session runs; else says that it does not, with the button that changes it. */
export function WhileRunning({ session, what, icon, children }: WhileRunningProps) {
  const busy = useSessions((state) => state.busy.get(session.id));
  const { status } = session;
  if (status === "running") return children;
  if (status === "starting" || status === "provisioning") return <StartProgress session={session} />;
  if (status === "stopping") return <Empty icon={icon} title="The session is stopping.">{what} can be reached when it runs again.</Empty>;
  const verb = verbsOf(session)[0];
  const action = verb && verb !== "stop" && (
    <Button icon={<Play />} busy={busy === verb} onClick={() => act(session.id, verb)}>
      {VERB_WORDS[verb]}
    </Button>
  );
  return (
    <Empty icon={icon} title={status === "archived" ? "The session is archived." : "The session does not run."} action={action}>
      {what} can be reached while it runs.
    </Empty>
  );
}
