import { waiting } from "../stores/grouping";
import { useSessions } from "../stores/sessions";

/** How many sessions wait for a person. */
export function useWaitingCount(): number {
  return useSessions((state) => waiting(state.byId.values()).length);
}
