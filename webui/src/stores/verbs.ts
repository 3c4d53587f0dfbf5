import { Problem } from "../api/problem";
import type { Session } from "../api/types";
import { type Verb, useSessions } from "./sessions";
import { tellProblem } from "./toasts";

/** A stop that takes longer than this is told about, not waited for. */
const STOP_MS = 60_000;

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

/** Stop it, wait until it has stopped, and start it anew: for an agent that is dead or stuck. */
export function restart(id: string): void {
  again(id).catch(tellProblem);
}

async function again(id: string): Promise<void> {
  const { act: run } = useSessions.getState();
  await run(id, "stop");
  await stopped(id);
  await run(id, "start");
}

function stopped(id: string): Promise<void> {
  const isStopped = (): boolean => ["stopped", "failed"].includes(useSessions.getState().byId.get(id)?.status ?? "");
  return new Promise((done, fail) => {
    if (isStopped()) return done();
    const leave = useSessions.subscribe(() => {
      if (!isStopped()) return;
      window.clearTimeout(timer);
      leave();
      done();
    });
    const timer = window.setTimeout(() => {
      leave();
      fail(new Problem(0, "Still stopping", "The session has not stopped yet, so it was not started again.", "Start it when it has stopped."));
    }, STOP_MS);
  });
}
