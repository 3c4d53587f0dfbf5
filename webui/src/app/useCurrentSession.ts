import { useRoute } from "wouter";
import type { Session } from "../api/types";
import { useSessions } from "../stores/sessions";

/** The session that the page shows. */
export function useCurrentSession(): Session | undefined {
  const [, params] = useRoute("/sessions/:id/:tab?");
  return useSessions((state) => (params ? state.byId.get(params.id) : undefined));
}
