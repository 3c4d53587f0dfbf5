import type { Activity, Session } from "../api/types";
import { PLAIN } from "../api/options";

/** A running, idle session, but for what the test says. */
export function session(change: Partial<Omit<Session, "activity">> & { id: string }, activity: Partial<Activity> = {}): Session {
  return {
    name: change.id,
    agent: "demo",
    model: "",
    source: { type: "empty" },
    status: "running",
    step: "",
    error: "",
    hint: "",
    workspace: "",
    branch: "",
    owner_id: "local",
    tenant_id: "default",
    revision: 1,
    created_at: "2026-11-23T10:00:00Z",
    updated_at: "2026-11-23T10:00:00Z",
    last_active: "2026-11-23T10:00:00Z",
    archived_at: null,
    options: PLAIN,
    ...change,
    activity: { state: "idle", what: "", since: "2026-11-23T10:00:00Z", messages: 0, model: "", cost_usd: null, ...activity },
  };
}
