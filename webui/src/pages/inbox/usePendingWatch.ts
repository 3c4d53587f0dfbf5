import { useEffect } from "react";
import { waiting } from "../../stores/grouping";
import { usePending } from "../../stores/pending";
import { useSessions } from "../../stores/sessions";

const SETTLE_MS = 150;

/** Look again whenever a session begins, ceases or changes to wait; a handful of changes at once is one look. */
export function usePendingWatch(): void {
  const sign = useSessions((state) => waiting(state.byId.values()).map(({ id, revision, activity }) => `${id} ${revision} ${activity.since} ${activity.what}`).join("\n"));
  const live = useSessions((state) => state.link.state === "live");
  useEffect(() => {
    const timer = window.setTimeout(() => void usePending.getState().load(), SETTLE_MS);
    return () => window.clearTimeout(timer);
  }, [sign, live]);
}
