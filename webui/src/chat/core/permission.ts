import type { PermissionRaised } from "./frames";
import type { Entry, PermissionEntry } from "./view";

export const permissionKey = (id: string): string => `permission:${id}`;

/** A question nobody has answered. `asker` is the call of the sub-agent that asks. */
export function raisedEntry(record: PermissionRaised, asker: Entry | undefined): PermissionEntry {
  const { id, at, tool, title, input, reason, rules, scopes } = record;
  const undecided = { decision: "allow", scope: "once", message: "", by: "", edited: null, decidedAt: "", closed: "" } as const;
  return {
    ...{ type: "permission", key: permissionKey(id), at, id, tool, title, input, reason, rules, scopes, state: "open" },
    ...{ toolId: record.tool_id, asker: asker?.type === "tool" ? asker.title || asker.name : "" },
    ...undecided,
  };
}
