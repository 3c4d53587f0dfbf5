import type { NewSession, Session, SessionPage, Status } from "../api/types";

/** What the stream of changes says. `resync`: changes may have been missed; ask for the whole list again. */
export interface SessionEvents {
  session(session: Session): void;
  deleted(id: string): void;
  resync(): void;
  link(state: LinkState): void;
}

/** How the stream is doing. `retryAt` is when the next attempt is made, in milliseconds of Date.now(). */
export type LinkState =
  | { state: "connecting" }
  | { state: "live" }
  | { state: "lost"; why: string; retryAt: number }
  | { state: "denied" };

export interface Link {
  /** Try now instead of waiting. */
  retry(): void;
  close(): void;
}

/** Sessions as the forge knows them. Every method rejects with a Problem. */
export interface SessionsPort {
  list(query?: { status?: Status; cursor?: string }): Promise<SessionPage>;
  create(session: NewSession): Promise<Session>;
  /** A new session in the same folder that goes on from this one's conversation. */
  fork(id: string, name: string): Promise<Session>;
  rename(id: string, name: string): Promise<Session>;
  start(id: string): Promise<Session>;
  stop(id: string): Promise<Session>;
  archive(id: string): Promise<Session>;
  restore(id: string): Promise<Session>;
  remove(id: string): Promise<void>;
  logs(id: string, lines: number): Promise<readonly string[]>;
  /** Follow every change until closed. Calls `resync` once connected, and again whenever something may have been missed. */
  watch(events: SessionEvents): Link;
}
