import type { Standing } from "./standing";

/** The words of `/s/{id}/ws/chat`, as `volundr/broker/frames.py` defines them. Records have `seq` and `at`; live frames have not. */

export interface Usage {
  model: string;
  input: number;
  output: number;
  cache_read: number;
  cache_write: number;
  cost_usd: number | null;
}

export interface Rule {
  tool: string;
  subject: string;
}

export interface Capabilities {
  deltas: boolean;
  permissions: boolean;
  interrupt: boolean;
  resume: boolean;
  edited_input: boolean;
  steer: boolean;
  model: boolean;
  mode: boolean;
  thinking: boolean;
  images: boolean;
  fork: boolean;
  per_message: boolean;
}

/** One thing to choose: `id` as the agent names it, `resolved` as it calls it once in use. */
export interface Choice {
  id: string;
  label: string;
  description: string;
  resolved: string;
}

export interface SlashCommand {
  name: string;
  description: string;
  takes: string;
  kind: "command" | "skill";
}

export interface Attachment {
  id: string;
  name: string;
  media_type: string;
  size: number;
}

export interface Task {
  text: string;
  state: "pending" | "working" | "done";
}

export type ActivityState = "starting" | "idle" | "working" | "waiting" | "stopping" | "stopped" | "failed";

export interface Activity {
  state: ActivityState;
  what: string;
  since: string;
}

export type Scope = "once" | "session" | "always";
export type BlockKind = "text" | "thinking";
export type Json = Readonly<Record<string, unknown>>;
export type ToolKind =
  | "read"
  | "edit"
  | "delete"
  | "search"
  | "execute"
  | "fetch"
  | "think"
  | "agent"
  | "other";

// --- records ---------------------------------------------------------------------------------------------------------

interface Stamp {
  seq: number;
  at: string;
}

export interface UserMessage extends Stamp {
  type: "user_message";
  id: string;
  text: string;
  by: string;
  /** Missing in logs of the first release. */
  attachments?: readonly Attachment[];
}

export interface MessageEdited extends Stamp {
  type: "message_edited";
  id: string;
  text: string;
  by: string;
}

export interface MessageRemoved extends Stamp {
  type: "message_removed";
  id: string;
  by: string;
}

export interface MessageSteered extends Stamp {
  type: "message_steered";
  id: string;
  turn: number;
}

export interface MessageReturned extends Stamp {
  type: "message_returned";
  id: string;
}

export interface TurnStarted extends Stamp {
  type: "turn_started";
  turn: number;
  messages: readonly string[];
}

export interface MessageSeen extends Stamp {
  type: "message_seen";
  id: string;
}

export interface AgentMessage extends Stamp {
  type: "agent_message";
  id: string;
  block: number;
  kind: BlockKind;
  text: string;
  parent: string | null;
}

export interface ToolStarted extends Stamp {
  type: "tool_started";
  id: string;
  name: string;
  title: string;
  kind: ToolKind;
  input: Json;
  parent: string | null;
}

export interface ToolFinished extends Stamp {
  type: "tool_finished";
  id: string;
  ok: boolean;
  output: string;
  detail: Json | null;
}

export interface PermissionRaised extends Stamp {
  type: "permission_raised";
  id: string;
  tool: string;
  title: string;
  input: Json;
  tool_id: string | null;
  reason: string;
  rules: readonly Rule[];
  scopes: readonly Scope[];
  native: Json;
  parent: string | null;
}

export interface PermissionDecided extends Stamp {
  type: "permission_decided";
  id: string;
  decision: "allow" | "deny";
  scope: Scope;
  message: string;
  input: Json | null;
  by: string;
}

export interface PermissionDelivered extends Stamp {
  type: "permission_delivered";
  id: string;
}

export interface PermissionClosed extends Stamp {
  type: "permission_closed";
  id: string;
  reason: string;
}

export interface InterruptRequested extends Stamp {
  type: "interrupt_requested";
  turn: number;
  by: string;
}

export interface TurnFinished extends Stamp {
  type: "turn_finished";
  turn: number;
  status: "ok" | "interrupted" | "failed";
  error: string;
  hint: string;
  usage: readonly Usage[];
  duration_ms: number;
}

export interface AgentState extends Stamp {
  type: "agent_state";
  state: "starting" | "ready" | "exited" | "failed";
  run: string;
  agent: string;
  model: string;
  mode: string;
  /** Missing in logs of the first release. */
  thinking?: string;
  native: string;
  error: string;
  hint: string;
}

export interface AgentOffers extends Stamp {
  type: "agent_offers";
  models: readonly Choice[];
  modes: readonly Choice[];
  thinking: readonly Choice[];
  commands: readonly SlashCommand[];
}

export interface Chosen extends Stamp {
  type: "chosen";
  model: string | null;
  mode: string | null;
  thinking: string | null;
  by: string;
}

export interface PlanChanged extends Stamp {
  type: "plan_changed";
  tasks: readonly Task[];
}

export interface Forked extends Stamp {
  type: "forked";
  session: string;
  name: string;
  native: string;
}

export interface Notice extends Stamp {
  type: "notice";
  level: "info" | "warning" | "error";
  text: string;
  detail: string;
}

export type ChatRecord =
  | UserMessage
  | TurnStarted
  | MessageSeen
  | AgentMessage
  | ToolStarted
  | ToolFinished
  | PermissionRaised
  | PermissionDecided
  | PermissionDelivered
  | PermissionClosed
  | InterruptRequested
  | TurnFinished
  | AgentState
  | Notice
  | MessageEdited
  | MessageRemoved
  | MessageSteered
  | MessageReturned
  | AgentOffers
  | Chosen
  | PlanChanged
  | Forked;

// --- live frames -----------------------------------------------------------------------------------------------------

export interface Hello {
  type: "hello";
  session: string;
  epoch: string;
  first_seq: number;
  last_seq: number;
  agent: string;
  capabilities: Capabilities;
  activity: Activity;
  standing: Standing;
  protocol: number;
}

export interface Delta {
  type: "delta";
  id: string;
  block: number;
  kind: BlockKind;
  offset: number;
  text: string;
  parent: string | null;
}

/** A piece of what a running tool prints. `offset` counts the characters before it. */
export interface ToolPrinted {
  type: "output";
  id: string;
  offset: number;
  text: string;
}

/** Why nothing seems to happen, what that is known from, and what would help. "fine" takes back what was said before. */
export interface Diagnosis {
  type: "diagnosis";
  finding: "fine" | "waiting" | "quiet" | "tool" | "stuck" | "dead";
  text: string;
  since: string;
  evidence: readonly string[];
  action: "" | "answer" | "wait" | "interrupt" | "restart";
}

export type Live =
  | Hello
  | { type: "resync"; reason: string }
  | { type: "caught_up"; seq: number }
  | Delta
  | ToolPrinted
  | Diagnosis
  | { type: "activity"; activity: Activity }
  | { type: "stored"; id: string; seq: number }
  | { type: "rejected"; id: string; error: string }
  | { type: "keep_alive" };

export type Frame = ChatRecord | Live;

// --- clients -> Skuld ------------------------------------------------------------------------------------------------

export interface Decide {
  type: "decide";
  id: string;
  decision: "allow" | "deny";
  scope: Scope;
  message: string;
  input: Json | null;
}

export type FromClient =
  | { type: "attach"; epoch: string; after: number; tail: number }
  | { type: "send"; id: string; text: string; steer: boolean; attachments: readonly string[] }
  | { type: "edit"; id: string; text: string }
  | { type: "remove"; id: string }
  | ({ type: "choose" } & Choosing)
  | Decide
  | { type: "interrupt" };

export const CHOICES = ["model", "mode", "thinking"] as const;
export type ChoiceName = (typeof CHOICES)[number];
/** What is asked for; what is not named stays. */
export type Choosing = Readonly<Partial<Record<ChoiceName, string>>>;

/** A client that hears nothing for three keep-alives connects anew. */
export const SILENCE_MS = 30_000;
export const CHAT_PROTOCOL = "volundr.chat.v1";

export function isRecord(frame: Frame): frame is ChatRecord {
  return "seq" in frame && "at" in frame;
}

/** The frames of one WebSocket message: one JSON object a line. A line that is no frame is dropped, the rest counts. */
export function parseFrames(data: string): Frame[] {
  const frames: Frame[] = [];
  for (const line of data.split("\n")) {
    if (line.trim() === "") continue;
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === "object" && value !== null && "type" in value) frames.push(value as Frame);
    } catch {
      console.warn("A line of the chat socket is not JSON; it is skipped.");
    }
  }
  return frames;
}
