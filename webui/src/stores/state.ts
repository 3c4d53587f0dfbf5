import type { Session } from "../api/types";
import type { StateKind } from "../ui/state";
import { causeOf } from "./cause";

export interface State {
  kind: StateKind;
  word: string;
  /** What it waits for, does or broke on; "" when the word says it all. */
  what: string;
  since: string;
}

/** The state of a session in the words that web, TUI, CLI and notifications share. */
export function stateOf(session: Session): State {
  const { status, activity, step, updated_at } = session;
  const since = activity.since ?? updated_at;
  switch (status) {
    case "archived":
      return { kind: "stopped", word: "archived", what: "", since: session.archived_at ?? updated_at };
    case "failed":
      return { kind: "failed", word: "failed", what: causeOf(session.error).line, since: updated_at };
    case "starting":
    case "provisioning":
      return { kind: "moving", word: "starting", what: step === "starting" ? "" : step, since };
    case "stopping":
      return { kind: "moving", word: "stopping", what: step, since: updated_at };
    case "created":
    case "stopped":
      return { kind: "stopped", word: "stopped", what: "", since: updated_at };
    case "running":
      return running(session, since);
  }
}

function running({ activity }: Session, since: string): State {
  switch (activity.state) {
    case "waiting":
      return { kind: "waiting", word: "waiting for you", what: activity.what, since };
    case "working":
      return { kind: "working", word: "working", what: activity.what, since };
    case "failed":
      return { kind: "failed", word: "failed", what: causeOf(activity.what).line, since };
    case "starting":
    case "stopping":
      return { kind: "moving", word: activity.state, what: activity.what, since };
    default:
      return { kind: "idle", word: "idle", what: "", since };
  }
}
