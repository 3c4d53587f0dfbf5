import { type Clock, Connection, type Link } from "./connection";
import { type Activity, type Capabilities, type Decide, type Frame, isRecord, type Json, type Scope } from "./frames";
import { type Keep, Outbox } from "./outbox";
import type { ChatPort, HistoryPage } from "./port";
import { Transcript } from "./transcript";
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

export type Older = "more" | "loading" | "all" | "failed";

export interface ChatState {
  view: View;
  outbox: readonly MessageEntry[];
  link: Link;
  activity: Activity | null;
  capabilities: Capabilities | null;
  agent: string;
  deciding: Readonly<Record<string, Deciding>>;
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
  older: "all",
  loaded: false,
  interrupting: false,
  complaint: "",
};

export interface EngineParts {
  session: string;
  port: ChatPort;
  clock: Clock;
  keep: Keep;
  newId: () => string;
  /** Run this before the next paint; asked again only after it ran. */
  soon: (flush: () => void) => void;
  publish: (change: Partial<ChatState>) => void;
}

const PAGE = 500;
/** Frames taken in one go; the rest waits for the next paint, so that a long replay never blocks the page. */
const BATCH = 4_000;

/** One session's chat without a screen: socket, transcript and outbox, and what they mean for each other. */
export class Engine {
  private readonly transcript = new Transcript();
  private readonly outbox: Outbox;
  private readonly connection: Connection;
  private queue: Frame[] = [];
  private scheduled = false;
  private epoch = "";
  private firstSeq = 1;
  private gapAt = 0;
  private deciding: Readonly<Record<string, Deciding>> = {};
  private older: Older = "all";
  private reading = false;
  private interruptTurn: number | null = null;

  constructor(private readonly parts: EngineParts) {
    this.outbox = new Outbox(parts.session, parts.keep);
    this.connection = new Connection(parts.session, parts.port, parts.clock, {
      cursor: () => {
        this.flush(Number.POSITIVE_INFINITY);
        return { epoch: this.epoch, after: this.transcript.lastSeq };
      },
      frames: (frames) => this.receive(frames),
      link: (link) => this.linked(link),
    });
    parts.publish({ outbox: this.outbox.entries() });
  }

  start(running: boolean): void {
    this.connection.start(running);
  }

  stop(): void {
    this.connection.stop();
  }

  setRunning(running: boolean): void {
    this.connection.setRunning(running);
  }

  wake(): void {
    this.connection.wake();
  }

  /** Say something; it is kept and sent until it is stored. */
  send(text: string): string {
    const id = this.parts.newId();
    this.outbox.add(id, text, new Date(this.parts.clock.now()).toISOString());
    this.connection.send({ type: "send", id, text });
    this.publishOutbox();
    this.parts.publish({ complaint: "" });
    return id;
  }

  /** Send a refused message again, as it is. */
  again(id: string): void {
    this.outbox.again(id);
    const message = this.outbox.all().find((one) => one.id === id);
    if (message) this.connection.send({ type: "send", id, text: message.text });
    this.publishOutbox();
  }

  discard(id: string): void {
    this.outbox.drop(id);
    this.publishOutbox();
  }

  decide(id: string, answer: Answer): void {
    if (!this.transcript.isOpen(id)) return;
    this.deciding = { ...this.deciding, [id]: { ...answer, error: "" } };
    this.connection.send(toFrame(id, answer));
    this.parts.publish({ deciding: this.deciding, complaint: "" });
  }

  /** False when nobody hears it now. */
  interrupt(): boolean {
    const turn = this.transcript.view().turn;
    if (turn === null || !this.connection.send({ type: "interrupt" })) return false;
    this.interruptTurn = turn.turn;
    this.parts.publish({ interrupting: true, complaint: "" });
    return true;
  }

  async loadOlder(): Promise<void> {
    if (this.older === "loading") return;
    this.setOlder("loading");
    const before = this.transcript.firstSeq || null;
    try {
      const page = await this.parts.port.history(this.parts.session, before, PAGE);
      this.flush(Number.POSITIVE_INFINITY);
      if (this.epoch !== "" && page.epoch !== this.epoch) return this.setOlder("failed");
      this.epoch = page.epoch;
      this.transcript.prepend(page.records);
      const first = this.transcript.firstSeq;
      this.setOlder(page.records.length === 0 || first <= Math.max(this.firstSeq, 1) ? "all" : "more");
      this.publishView();
    } catch {
      this.setOlder("failed");
    }
  }

  /** What is kept of a session that does not run; what the socket had no time to say is added. */
  async readPast(): Promise<void> {
    if (this.reading) return;
    this.reading = true;
    try {
      this.takePast(await this.parts.port.history(this.parts.session, null, PAGE));
    } catch {
      if (this.transcript.lastSeq === 0) this.setOlder("failed");
    }
    this.reading = false;
    this.parts.publish({ loaded: true });
  }

  private takePast(page: HistoryPage): void {
    // It runs by now, and a socket has attached: that one tells all.
    if (this.connection.state !== "stopped" && this.connection.state !== "connecting") return;
    this.flush(Number.POSITIVE_INFINITY);
    const last = this.transcript.lastSeq;
    const begins = page.records[0]?.seq ?? 0;
    if (page.epoch !== this.epoch || begins > last + 1) this.forget();
    this.epoch = page.epoch;
    if (this.transcript.lastSeq === 0) this.transcript.prepend(page.records);
    else for (const record of page.records) this.transcript.record(record);
    if (this.older !== "loading") this.setOlder(this.transcript.firstSeq > 1 ? "more" : "all");
    this.publishView();
  }

  private setOlder(older: Older): void {
    this.older = older;
    this.parts.publish({ older });
  }

  private linked(link: Link): void {
    this.parts.publish({ link });
    if (link.state === "live") this.resend();
    // Nothing to connect to: what was said can still be read.
    if (link.state === "stopped") void this.readPast();
  }

  private resend(): void {
    for (const { id, text } of this.outbox.unsent()) this.connection.send({ type: "send", id, text });
    for (const [id, answer] of Object.entries(this.deciding)) {
      if (answer.error === "") this.connection.send(toFrame(id, answer));
    }
  }

  private receive(frames: readonly Frame[]): void {
    for (const frame of frames) if (frame.type !== "keep_alive") this.queue.push(frame);
    if (this.queue.length > 0) this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.parts.soon(() => {
      this.scheduled = false;
      this.flush(BATCH);
      if (this.queue.length > 0) this.schedule();
    });
  }

  private flush(limit: number): void {
    if (this.queue.length === 0) return;
    const frames = this.queue.slice(0, limit);
    this.queue = this.queue.slice(limit);
    for (const frame of frames) if (!this.take(frame)) break;
    this.publishView();
  }

  /** False when the frames behind this one must not be taken. */
  private take(frame: Frame): boolean {
    if (isRecord(frame)) {
      if (this.transcript.record(frame)) return true;
      this.gap();
      return false;
    }
    switch (frame.type) {
      case "hello":
        if (this.epoch !== "" && this.epoch !== frame.epoch) this.forget();
        this.epoch = frame.epoch;
        this.firstSeq = frame.first_seq;
        this.parts.publish({ activity: frame.activity, capabilities: frame.capabilities, agent: frame.agent });
        return true;
      case "resync":
        this.transcript.clear();
        return true;
      case "caught_up":
        this.caughtUp();
        return true;
      case "delta":
        this.transcript.delta(frame);
        return true;
      case "activity":
        this.parts.publish({ activity: frame.activity });
        return true;
      case "stored":
        this.outbox.stored(frame.id);
        if (frame.seq <= this.transcript.lastSeq) this.outbox.drop(frame.id);
        return true;
      case "rejected":
        this.rejected(frame.id, frame.error);
        return true;
      case "keep_alive":
        return true;
    }
  }

  private gap(): void {
    this.queue = [];
    // Once: ask for the rest. Twice at the same place: the log itself has a hole; begin anew with what there is.
    if (this.gapAt === this.transcript.lastSeq) this.forget();
    this.gapAt = this.transcript.lastSeq;
    this.connection.restart();
  }

  private forget(): void {
    this.transcript.clear();
    this.epoch = "";
  }

  private caughtUp(): void {
    const first = this.transcript.firstSeq;
    if (this.older !== "loading") this.setOlder(first > Math.max(this.firstSeq, 1) ? "more" : "all");
    this.parts.publish({ loaded: true });
  }

  private rejected(id: string, error: string): void {
    if (this.outbox.reject(id, error)) return;
    const answer = this.deciding[id];
    if (answer === undefined) {
      this.interruptTurn = null;
      this.parts.publish({ complaint: error });
      return;
    }
    this.deciding = { ...this.deciding, [id]: { ...answer, error } };
  }

  private publishView(): void {
    const view = this.transcript.view();
    for (const { id } of this.outbox.all()) if (this.transcript.knowsMessage(id)) this.outbox.drop(id);
    const open = Object.entries(this.deciding).filter(([id]) => this.transcript.isOpen(id));
    if (open.length !== Object.keys(this.deciding).length) this.deciding = Object.fromEntries(open);
    const interrupting = this.interruptTurn !== null && view.turn?.turn === this.interruptTurn;
    if (!interrupting) this.interruptTurn = null;
    this.parts.publish({ view, outbox: this.outbox.entries(), deciding: this.deciding, interrupting });
  }

  private publishOutbox(): void {
    this.parts.publish({ outbox: this.outbox.entries() });
  }
}

function toFrame(id: string, { decision, scope, message, input }: Answer): Decide {
  return { type: "decide", id, decision, scope, message, input };
}
