import type { IdentityPort } from "./identity";
import type { PermissionsPort } from "./permissions";
import type { SessionsPort } from "./sessions";
import type { SystemPort } from "./system";
import type { TerminalsPort } from "./terminals";
import type { WorkspacePort } from "./workspace";

export interface Ports {
  sessions: SessionsPort;
  system: SystemPort;
  identity: IdentityPort;
  workspace: WorkspacePort;
  terminals: TerminalsPort;
  permissions: PermissionsPort;
}

let current: Ports | undefined;

/** Called once, by the composition root (or a test) before any store is used. */
export function setPorts(ports: Ports): void {
  current = ports;
}

export function ports(): Ports {
  if (!current) throw new Error("No ports: src/app/main.tsx sets them before it renders.");
  return current;
}
