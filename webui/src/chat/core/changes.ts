import type { FromClient } from "./frames";

/** What this browser wants done with a message that waits. `error` says why it was not done. */
export interface Change {
  kind: "edit" | "remove" | "steer";
  text: string;
  /** Of a "steer": the message that is sent in its place once it is taken back. */
  next: string;
  error: string;
}

export type Changing = Readonly<Record<string, Change>>;

/** Changes of waiting messages under way: each is asked for again after a reconnect, until the records show it or it is refused. */
export class Changes {
  private changes: Changing = {};

  all(): Changing {
    return this.changes;
  }

  edit(id: string, text: string): void {
    this.changes = { ...this.changes, [id]: { kind: "edit", text, next: "", error: "" } };
  }

  remove(id: string): void {
    this.changes = { ...this.changes, [id]: { kind: "remove", text: "", next: "", error: "" } };
  }

  /** Nothing moves a waiting message into the running turn: it is taken back and said anew, as `next`. */
  steer(id: string, next: string): void {
    this.changes = { ...this.changes, [id]: { kind: "steer", text: "", next, error: "" } };
  }

  get(id: string): Change | undefined {
    return this.changes[id];
  }

  refuse(id: string, error: string): Change | undefined {
    const change = this.changes[id];
    if (change) this.changes = { ...this.changes, [id]: { ...change, error } };
    return change;
  }

  done(id: string): void {
    if (!(id in this.changes)) return;
    const { [id]: _, ...rest } = this.changes;
    this.changes = rest;
  }

  /** Forget, and return, what the records have overtaken: `text` gives a waiting message's words, undefined when it waits no more. */
  settle(text: (id: string) => string | undefined): Change[] {
    return Object.entries(this.changes).flatMap(([id, change]) => {
      const now = text(id);
      if (now !== undefined && (change.kind !== "edit" || now !== change.text)) return [];
      this.done(id);
      return [change];
    });
  }

  frames(): FromClient[] {
    return Object.entries(this.changes).flatMap(([id, change]) => (change.error === "" ? [toFrame(id, change)] : []));
  }
}

export function toFrame(id: string, { kind, text }: Change): FromClient {
  return kind === "edit" ? { type: "edit", id, text } : { type: "remove", id };
}
