/** What a chat shows: plain, immutable data. An entry that did not change is the same object in the next view. */

import type { Attachment, BlockKind, Choice, Choosing, Json, Rule, Scope, SlashCommand, Task, ToolKind, Usage } from "./frames";

/** `sending` and `rejected` live in the outbox; `stored` is on Skuld's disk; `queued` waits for the running turn to end. */
export type MessageState = "sending" | "rejected" | "stored" | "queued" | "given" | "seen";

export interface MessageEntry {
  type: "message";
  key: string;
  at: string;
  id: string;
  text: string;
  by: string;
  state: MessageState;
  error: string;
  attachments: readonly Attachment[];
  /** Changed while it waited. */
  edited: boolean;
  /** `steered`: said in the middle of a turn. `returned`: the agent could not take it there, so it waits again. */
  way: "" | "steered" | "returned";
}

export interface BlockEntry {
  type: "block";
  key: string;
  at: string;
  id: string;
  block: number;
  kind: BlockKind;
  text: string;
  streaming: boolean;
}

export interface ToolEntry {
  type: "tool";
  key: string;
  at: string;
  id: string;
  name: string;
  title: string;
  kind: ToolKind;
  input: Json;
  /** `cut`: its turn ended and no result ever came. `denied`: a person said no, so it never ran. `waiting`: it runs when a person allows it. */
  state: "running" | "waiting" | "ok" | "failed" | "denied" | "cut";
  /** While it runs: what it has printed so far, or only the end of that (`cutOutput`). */
  output: string;
  cutOutput: boolean;
  detail: Json | null;
  finishedAt: string;
  /** What the sub-agent behind this call said and did. */
  children: readonly Entry[];
}

export interface PermissionEntry {
  type: "permission";
  key: string;
  at: string;
  id: string;
  tool: string;
  title: string;
  input: Json;
  toolId: string | null;
  reason: string;
  rules: readonly Rule[];
  scopes: readonly Scope[];
  /** The sub-agent that asks; "" when the agent itself does. */
  asker: string;
  state: "open" | "decided" | "delivered" | "closed";
  decision: "allow" | "deny";
  scope: Scope;
  message: string;
  by: string;
  /** The input that a person gave in place of the agent's. */
  edited: Json | null;
  decidedAt: string;
  closed: string;
}

export interface NoticeEntry {
  type: "notice";
  key: string;
  at: string;
  level: "info" | "warning" | "error";
  text: string;
  detail: string;
  hint: string;
}

export interface TurnEntry {
  type: "turn";
  key: string;
  at: string;
  turn: number;
  status: "ok" | "interrupted" | "failed";
  error: string;
  hint: string;
  usage: readonly Usage[];
  durationMs: number;
  interruptedBy: string;
  /** The words that began the turn, for "Retry"; empty when they are older than the window. */
  asked: string;
}

export type Entry = MessageEntry | BlockEntry | ToolEntry | PermissionEntry | NoticeEntry | TurnEntry;

export interface RunningTurn {
  turn: number;
  startedAt: string;
  interruptBy: string | null;
}

export interface AgentInfo {
  state: "starting" | "ready" | "exited" | "failed";
  run: string;
  agent: string;
  model: string;
  mode: string;
  thinking: string;
}

/** What there is to choose from, in the agent's own words. */
export interface Offers {
  models: readonly Choice[];
  modes: readonly Choice[];
  thinking: readonly Choice[];
  commands: readonly SlashCommand[];
}

export interface View {
  /** Oldest and newest record held; 0 when there is none. */
  firstSeq: number;
  lastSeq: number;
  entries: readonly Entry[];
  /** Stored, and not yet handed to the agent. */
  pending: readonly MessageEntry[];
  open: readonly PermissionEntry[];
  turn: RunningTurn | null;
  agent: AgentInfo | null;
  offers: Offers;
  /** Chosen by somebody, and not yet confirmed by the agent. */
  choosing: Choosing;
  /** The agent's own plan, as it says it newest. */
  tasks: readonly Task[];
}

export const NO_OFFERS: Offers = { models: [], modes: [], thinking: [], commands: [] };

export const EMPTY_VIEW: View = {
  firstSeq: 0,
  lastSeq: 0,
  entries: [],
  pending: [],
  open: [],
  turn: null,
  agent: null,
  offers: NO_OFFERS,
  choosing: {},
  tasks: [],
};
