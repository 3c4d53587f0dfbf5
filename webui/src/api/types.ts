/** What the forge says and is told over HTTP: `docs/reference/wire.md`, as types. */

export type Status =
  | "created"
  | "starting"
  | "provisioning"
  | "running"
  | "stopping"
  | "stopped"
  | "failed"
  | "archived";

export type ActivityState = "starting" | "idle" | "working" | "waiting" | "stopping" | "stopped" | "failed";

export interface GitSource {
  type: "git";
  url: string;
  branch: string;
}

export interface LocalSource {
  type: "local";
  path: string;
  branch: string;
  mode: "worktree" | "in_place";
}

export interface EmptySource {
  type: "empty";
}

export type Source = GitSource | LocalSource | EmptySource;

export interface Activity {
  state: ActivityState;
  what: string;
  since: string | null;
  messages: number;
  model: string;
  cost_usd: number | null;
}

export interface Session {
  id: string;
  name: string;
  agent: string;
  model: string;
  source: Source;
  status: Status;
  step: string;
  error: string;
  hint: string;
  workspace: string;
  branch: string;
  activity: Activity;
  owner_id: string;
  tenant_id: string;
  revision: number;
  created_at: string;
  updated_at: string;
  last_active: string;
  archived_at: string | null;
}

export interface NewSession {
  name: string;
  agent: string;
  model: string;
  source: Source;
  start: boolean;
}

export interface SessionPage {
  items: Session[];
  next: string | null;
}

/** A program that the forge looked for. `problem` says why it cannot be used, `hint` what to do. */
export interface Tool {
  available: boolean;
  version: string;
  problem: string;
  hint: string;
}

/** An agent as a person chooses it. */
export interface Agent extends Tool {
  name: string;
  label: string;
  path: string;
}

export interface System {
  version: string;
  agents: Agent[];
  git: Tool;
  docker: Tool;
  first_run: boolean;
}

export interface Folder {
  name: string;
  path: string;
  is_repo: boolean;
  readable: boolean;
}

export interface FolderListing {
  path: string;
  parent: string | null;
  is_repo: boolean;
  folders: Folder[];
  more: boolean;
}

export interface Me {
  id: string;
  name: string;
}
