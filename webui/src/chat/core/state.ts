import type { Changing } from "./changes";
import type { Link } from "./connection";
import type { Activity, Attachment, Capabilities, Diagnosis, Json, Scope } from "./frames";
import { EMPTY_VIEW, type MessageEntry, type View } from "./view";

export interface Answer {
  decision: "allow" | "deny";
  scope: Scope;
  message: string;
  input: Json | null;
}

/** An answer of this browser that is not a record yet. `error` says why it was not taken. */
export interface Deciding extends Answer {
  error: string;
}

export interface Saying {
  /** In the middle of the running turn, if one runs. */
  steer?: boolean;
  attachments?: readonly Attachment[];
}

export type Older = "more" | "loading" | "all" | "failed";

export interface ChatState {
  view: View;
  outbox: readonly MessageEntry[];
  link: Link;
  activity: Activity | null;
  capabilities: Capabilities | null;
  agent: string;
  deciding: Readonly<Record<string, Deciding>>;
  changing: Changing;
  /** Why nothing seems to happen; null when there is nothing to say about it. */
  diagnosis: Diagnosis | null;
  older: Older;
  /** Something of the conversation is on the screen, or is known to be empty. */
  loaded: boolean;
  interrupting: boolean;
  /** What Skuld said no to, when it belongs to no message and no question; "" when there is nothing. */
  complaint: string;
}

export const EMPTY_STATE: ChatState = {
  view: EMPTY_VIEW,
  outbox: [],
  link: { state: "off" },
  activity: null,
  capabilities: null,
  agent: "",
  deciding: {},
  changing: {},
  diagnosis: null,
  older: "all",
  loaded: false,
  interrupting: false,
  complaint: "",
};
