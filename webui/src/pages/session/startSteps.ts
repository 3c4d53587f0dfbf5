import type { Session } from "../../api/types";
import type { Step } from "../../ui/ProgressSteps";
import { sourceName } from "../../ui/words";

/** The steps of a start, from what the forge says it is doing. A step it names that we do not know is shown as it is. */
export function startSteps(session: Session): Step[] {
  const { status, step, source, agent } = session;
  const labels = [
    source.type === "git" ? `Clone ${sourceName(source)}` : source.type === "empty" ? "Make an empty workspace" : `Prepare ${sourceName(source)}`,
    "Start the session's processes",
    `Wait for ${agent} to be ready`,
  ];
  const now = status === "provisioning" ? 2 : step === "starting the pod" ? 1 : 0;
  const known = step === "" || step === "starting" || step === "starting the pod" || step === "waiting for the agent" || step.startsWith("preparing: ");
  return labels.map((label, index) => ({
    label: index === now && !known ? `${label}: ${step}` : label,
    state: index < now ? "done" : index === now ? "now" : "next",
  }));
}
