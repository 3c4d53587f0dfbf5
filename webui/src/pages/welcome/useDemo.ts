import { useState } from "react";
import { useLocation } from "wouter";
import { suggestName } from "../../stores/names";
import { useSessions } from "../../stores/sessions";
import { tellProblem } from "../../stores/toasts";

/** One press to a session with the demo agent. */
export function useDemo(): { busy: boolean; start(): Promise<void> } {
  const [, go] = useLocation();
  const [busy, setBusy] = useState(false);
  const start = async () => {
    setBusy(true);
    try {
      const { byId, create } = useSessions.getState();
      const taken = new Set([...byId.values()].map((session) => session.name));
      const name = suggestName({ type: "local", path: "demo", branch: "", mode: "in_place" }, taken);
      const session = await create({ name, agent: "demo", model: "", source: { type: "empty" }, start: true });
      go(`/sessions/${session.id}`);
    } catch (error) {
      tellProblem(error);
      setBusy(false);
    }
  };
  return { busy, start };
}
