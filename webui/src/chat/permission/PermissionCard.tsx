import type { ReactNode } from "react";
import type { PermissionEntry } from "../core/view";
import { DecidedLine } from "./DecidedLine";
import { OpenCard } from "./OpenCard";

/** A question of the agent: a card while it is open, a quiet line when it is answered. */
export function PermissionCard({ permission }: { permission: PermissionEntry }): ReactNode {
  return permission.state === "open" ? <OpenCard permission={permission} /> : <DecidedLine permission={permission} />;
}
