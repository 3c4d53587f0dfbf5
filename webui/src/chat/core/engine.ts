import { type Change, Changes, toFrame as changeFrame } from "./changes";
import { type Clock, Connection, type Link } from "./connection";
import { type ChatRecord, type Choosing, type Decide, type Frame, isRecord } from "./frames";
import { type Keep, Outbox, sendFrame } from "./outbox";
import type { ChatPort, HistoryPage } from "./port";
import type { Answer, ChatState, Deciding, Older, Saying } from "./state";
import { Transcript } from "./transcript";

export { type Answer, type ChatState, type Deciding, EMPTY_STATE, type Older, type Saying } from "./state";

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
  private readonly changes = new Changes();
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
  send(text: string, { steer = false, attachments = [] }: Saying = {}): string {
    const id = this.parts.newId();
    this.outbox.add({ id, text, at: this.nowText(), steer, attachments, held: false });
    this.sendNow(id);
    this.publishOutbox();
    this.parts.publish({ complaint: "" });
    return id;
  }

  /** Send a refused message again, as it is. */
  again(id: string): void {
    this.outbox.again(id);
    this.sendNow(id);
    this.publishOutbox();
  }

  /** Change the words of a message that waits. */
  edit(id: string, text: string): void {
    if (!this.transcript.isWaiting(id)) return;
    this.changes.edit(id, text);
    this.startChange(id);
  }

  /** Take back a message that waits. */
  remove(id: string): void {
    if (!this.transcript.isWaiting(id)) return;
    this.changes.remove(id);
    this.startChange(id);
  }

  /** Say a message that waits in the middle of the running turn instead. */
  steer(id: string): void {
    const waiting = this.transcript.view().pending.find((message) => message.id === id);
    if (!waiting) return;
    const next = this.parts.newId();
    const { text, attachments } = waiting;
    this.outbox.add({ id: next, text, at: this.nowText(), steer: true, attachments, held: true });
    this.changes.steer(id, next);
    this.publishOutbox();
    this.startChange(id);
  }

  /** Forget that a change of a message was refused. */
  forgive(id: string): void {
    this.changes.done(id);
    this.parts.publish({ changing: this.changes.all() });
  }

  /** Ask for another model, permission mode or amount of thinking. False when nobody hears it now. */
  choose(choosing: Choosing): boolean {
    const sent = this.connection.send({ type: "choose", ...choosing });
    this.parts.publish({ complaint: sent ? "" : "The session cannot be reached now, so nothing was changed." });
    return sent;
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
    for (const message of this.outbox.unsent()) this.connection.send(sendFrame(message));
    for (const frame of this.changes.frames()) this.connection.send(frame);
    for (const [id, answer] of Object.entries(this.deciding)) {
      if (answer.error === "") this.connection.send(toFrame(id, answer));
    }
  }

  private sendNow(id: string): void {
    const message = this.outbox.find(id);
    if (message) this.connection.send(sendFrame(message));
  }

  private startChange(id: string): void {
    const change = this.changes.get(id);
    if (change) this.connection.send(changeFrame(id, change));
    this.parts.publish({ changing: this.changes.all(), complaint: "" });
  }

  private nowText(): string {
    return new Date(this.parts.clock.now()).toISOString();
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
    if (isRecord(frame)) return this.takeRecord(frame);
    switch (frame.type) {
      case "hello":
        if (this.epoch !== "" && this.epoch !== frame.epoch) this.forget();
        this.epoch = frame.epoch;
        this.firstSeq = frame.first_seq;
        this.transcript.stand(frame.standing, frame.agent);
        this.parts.publish({ activity: frame.activity, capabilities: frame.capabilities, agent: frame.agent, diagnosis: null });
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
      case "output":
        this.transcript.output(frame);
        return true;
      case "diagnosis":
        this.parts.publish({ diagnosis: frame.finding === "fine" ? null : frame });
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
      default:
        return true;
    }
  }

  private takeRecord(record: ChatRecord): boolean {
    if (!this.transcript.record(record)) {
      this.gap();
      return false;
    }
    if (record.type === "message_removed") this.removed(record.id);
    else if (record.type === "turn_finished") this.parts.publish({ diagnosis: null });
    return true;
  }

  /** Taken back: if that was to say it in the running turn, now it can be said. */
  private removed(id: string): void {
    const change = this.changes.get(id);
    if (change?.kind !== "steer") return;
    this.outbox.release(change.next);
    this.sendNow(change.next);
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
    const change = this.changes.refuse(id, error);
    if (change) return this.refused(change);
    const answer = this.deciding[id];
    if (answer === undefined) {
      this.interruptTurn = null;
      this.parts.publish({ complaint: error });
      return;
    }
    this.deciding = { ...this.deciding, [id]: { ...answer, error } };
  }

  /** A message that could not be taken back must not be said a second time. */
  private refused({ kind, next }: Change): void {
    if (kind === "steer" && this.outbox.find(next)?.held === true) this.outbox.drop(next);
  }

  private publishView(): void {
    const view = this.transcript.view();
    const overtaken = this.changes.settle((id) => view.pending.find((message) => message.id === id)?.text);
    for (const change of overtaken) this.refused(change);
    for (const { id } of this.outbox.all()) if (this.transcript.knowsMessage(id)) this.outbox.drop(id);
    const open = Object.entries(this.deciding).filter(([id]) => this.transcript.isOpen(id));
    if (open.length !== Object.keys(this.deciding).length) this.deciding = Object.fromEntries(open);
    const interrupting = this.interruptTurn !== null && view.turn?.turn === this.interruptTurn;
    if (!interrupting) this.interruptTurn = null;
    this.parts.publish({ view, outbox: this.outbox.entries(), deciding: this.deciding, changing: this.changes.all(), interrupting });
  }

  private publishOutbox(): void {
    this.parts.publish({ outbox: this.outbox.entries() });
  }
}

function toFrame(id: string, { decision, scope, message, input }: Answer): Decide {
  return { type: "decide", id, decision, scope, message, input };
}
