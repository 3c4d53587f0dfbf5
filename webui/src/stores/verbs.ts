import type { Session } from "../api/types";
import { type Verb, useSessions } from "./sessions";
import { tellProblem } from "./toasts";

export type Step = Exclude<Verb, "remove">;

export const VERB_WORDS: Record<Step, string> = { start: "Start", stop: "Stop", archive: "Archive", restore: "Restore" };

/** What this session allows in its state. */
export function verbsOf({ status }: Session): readonly Step[] {
  switch (status) {
    case "created":
    case "stopped":
      return ["start", "archive"];
    case "failed":
      return ["start", "stop", "archive"];
    case "archived":
      return ["restore"];
    case "stopping":
      return [];
    default:
      return ["stop", "archive"];
  }
}

export function act(id: string, verb: Verb): void {
  useSessions.getState().act(id, verb).catch(tellProblem);
}
