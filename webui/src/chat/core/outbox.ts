import type { Attachment, FromClient } from "./frames";
import type { MessageEntry } from "./view";

/** A message this browser wants to say, kept until Skuld has it on disk. */
export interface Outgoing {
  id: string;
  text: string;
  at: string;
  stored: boolean;
  /** In the middle of the running turn, if one runs. */
  steer: boolean;
  attachments: readonly Attachment[];
  /** Not to be sent before another message is taken back. */
  held: boolean;
  /** Why Skuld did not take it; "" while nothing speaks against it. */
  error: string;
}

const HELD = "This was about to be sent into the running turn when the page was left.";

/** The part of `Storage` that is used; null where the browser forbids it (then the outbox lives as long as the page). */
export type Keep = Pick<Storage, "getItem" | "setItem" | "removeItem"> | null;

/**
 * Messages under way, kept across reloads. Each has an id of its own and is sent again after every reconnect until it is
 * stored: Skuld stores an id once, so the same message in two tabs or after a crash is still one message.
 */
export class Outbox {
  private messages: readonly Outgoing[];

  constructor(
    private readonly session: string,
    private readonly keep: Keep,
  ) {
    this.messages = this.read();
  }

  all(): readonly Outgoing[] {
    return this.messages;
  }

  unsent(): readonly Outgoing[] {
    return this.messages.filter((message) => !message.stored && !message.held && message.error === "");
  }

  find(id: string): Outgoing | undefined {
    return this.messages.find((message) => message.id === id);
  }

  add(message: Pick<Outgoing, "id" | "text" | "at" | "steer" | "attachments" | "held">): void {
    this.change([...this.messages, { ...message, stored: false, error: "" }]);
  }

  release(id: string): void {
    this.update(id, { held: false });
  }

  stored(id: string): void {
    this.update(id, { stored: true, error: "" });
  }

  reject(id: string, error: string): boolean {
    return this.update(id, { error });
  }

  again(id: string): void {
    this.update(id, { error: "", held: false });
  }

  drop(id: string): boolean {
    if (!this.messages.some((message) => message.id === id)) return false;
    this.change(this.messages.filter((message) => message.id !== id));
    return true;
  }

  entries(): readonly MessageEntry[] {
    return this.messages.map(({ id, text, at, stored, error, steer, attachments }) => ({
      type: "message",
      key: `message:${id}`,
      at,
      id,
      text,
      by: "",
      state: error !== "" ? "rejected" : stored ? "stored" : "sending",
      error,
      attachments,
      edited: false,
      way: steer ? "steered" : "",
    }));
  }

  private update(id: string, change: Partial<Outgoing>): boolean {
    if (!this.messages.some((message) => message.id === id)) return false;
    this.change(this.messages.map((message) => (message.id === id ? { ...message, ...change } : message)));
    return true;
  }

  private change(messages: readonly Outgoing[]): void {
    this.messages = messages;
    const worth = messages.filter((message) => !message.stored);
    try {
      if (worth.length === 0) this.keep?.removeItem(this.place());
      else this.keep?.setItem(this.place(), JSON.stringify(worth));
    } catch {
      console.warn("The browser's storage is full or closed; unsent messages live only as long as this page.");
    }
  }

  private read(): readonly Outgoing[] {
    try {
      const value: unknown = JSON.parse(this.keep?.getItem(this.place()) ?? "[]");
      return Array.isArray(value) ? value.filter(isOutgoing).map(whole) : [];
    } catch {
      return [];
    }
  }

  private place(): string {
    return `volundr.outbox.${this.session}`;
  }
}

export function sendFrame({ id, text, steer, attachments }: Outgoing): FromClient {
  return { type: "send", id, text, steer, attachments: attachments.map((file) => file.id) };
}

type Kept = Pick<Outgoing, "id" | "text" | "at" | "stored" | "error"> & Partial<Outgoing>;

/** As it was kept; what an older page did not know is as if it were not there. */
function whole(kept: Kept): Outgoing {
  const { held = false, steer = false, attachments = [] } = kept;
  return { ...kept, steer, attachments, held: false, error: held ? HELD : kept.error };
}

function isOutgoing(value: unknown): value is Kept {
  if (typeof value !== "object" || value === null) return false;
  const { id, text, at, stored, error } = value as Record<string, unknown>;
  return [id, text, at, error].every((part) => typeof part === "string") && typeof stored === "boolean";
}
