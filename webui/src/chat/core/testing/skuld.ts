import { type Activity, type Attachment, type Capabilities, type ChatRecord, type Delta, type Frame, type FromClient } from "../frames";
import { NOTHING_STANDS, type Standing } from "../standing";
import type { ChatPort, ChatSocket, HistoryPage, Ticket, Upload } from "../port";

type Told<T> = T extends unknown ? Omit<T, "seq" | "at"> : never;
export type Untold = Told<ChatRecord>;

class Pipe implements ChatSocket {
  onopen: (() => void) | null = null;
  onmessage: ((data: string) => void) | null = null;
  onclose: ((code: number, reason: string) => void) | null = null;
  attached = false;
  dead = false;

  constructor(private readonly skuld: ScriptedSkuld) {}

  send(text: string): void {
    if (!this.dead) this.skuld.hear(this, JSON.parse(text) as FromClient);
  }

  close(): void {
    this.dead = true;
  }

  say(...frames: Frame[]): void {
    if (!this.dead) this.onmessage?.(frames.map((frame) => JSON.stringify(frame)).join("\n"));
  }

  break(code = 1006): void {
    if (this.dead) return;
    this.dead = true;
    this.onclose?.(code, "");
  }
}

export const CAPABILITIES: Capabilities = {
  ...{ deltas: true, permissions: true, interrupt: true, resume: true, edited_input: false, steer: false },
  ...{ model: false, mode: false, thinking: false, images: false, fork: false, per_message: false },
};

/** A Skuld that plays by the rules of the wire: a log, attach with a cursor, exactly-once messages, live deltas. */
export class ScriptedSkuld implements ChatPort {
  capabilities: Capabilities = CAPABILITIES;
  readonly uploads: Attachment[] = [];
  readonly log: ChatRecord[] = [];
  readonly heard: FromClient[] = [];
  readonly protocols: string[][] = [];
  epoch = "e1";
  tail = Number.POSITIVE_INFINITY;
  refuse: Error | null = null;
  unreadable = false;
  opened = 0;
  tickets = 0;
  /** Opens by itself; else the test calls `sockets` one by one. */
  answers = true;
  /** Take messages, but let the acknowledgement and the record get lost with the socket. */
  deafAfterSend = false;
  standing: Standing = NOTHING_STANDS;
  activity: Activity = { state: "idle", what: "", since: "" };
  private pipes: Pipe[] = [];
  private growing: Delta | null = null;

  ticket(): Promise<Ticket> {
    this.tickets += 1;
    if (this.refuse) return Promise.reject(this.refuse);
    return Promise.resolve({ ticket: `t${this.tickets}`, path: "/s/x/ws/chat" });
  }

  open(_path: string, protocols: readonly string[]): ChatSocket {
    this.opened += 1;
    this.protocols.push([...protocols]);
    const pipe = new Pipe(this);
    this.pipes.push(pipe);
    if (this.answers) void Promise.resolve().then(() => pipe.onopen?.());
    return pipe;
  }

  history(_session: string, before: number | null, limit: number): Promise<HistoryPage> {
    if (this.unreadable) return Promise.reject(new Error("unreadable"));
    const older = this.log.filter((record) => before === null || record.seq < before);
    return Promise.resolve({ epoch: this.epoch, records: older.slice(-limit) });
  }

  upload(_session: string, file: File, progress: (part: number) => void): Upload {
    progress(1);
    if (this.refuse) return { done: Promise.reject(this.refuse), cancel: () => undefined };
    const about = { id: `f${this.uploads.length + 1}`, name: file.name, media_type: file.type, size: file.size };
    this.uploads.push(about);
    return { done: Promise.resolve(about), cancel: () => undefined };
  }

  fileUrl(_session: string, attachment: string): string {
    return `/s/x/attachments/${attachment}`;
  }

  findFiles(_session: string, words: string): Promise<readonly string[]> {
    return Promise.resolve(["src/retry.py", "README.md"].filter((path) => path.includes(words)));
  }

  hear(pipe: Pipe, frame: FromClient): void {
    this.heard.push(frame);
    if (frame.type === "attach") this.attach(pipe, frame);
    else if (frame.type === "send") this.store(pipe, frame);
    else if (frame.type === "edit" || frame.type === "remove") this.change(pipe, frame);
    else if (frame.type === "choose") {
      const { model = null, mode = null, thinking = null } = frame;
      this.record({ type: "chosen", model, mode, thinking, by: "me" });
    }
  }

  private change(pipe: Pipe, frame: Extract<FromClient, { type: "edit" | "remove" }>): void {
    const { id } = frame;
    const gone = this.log.some((one) => (one.type === "turn_started" && one.messages.includes(id)) || (one.type === "message_removed" && one.id === id));
    if (gone) return pipe.say({ type: "rejected", id, error: "The agent has this message already, or it was taken back." });
    if (frame.type === "edit") this.record({ type: "message_edited", id, text: frame.text, by: "me" });
    else this.record({ type: "message_removed", id, by: "me" });
  }

  record(told: Untold): void {
    const record = { ...told, seq: this.log.length + 1, at: `2026-01-01T00:00:${this.log.length}Z` } as ChatRecord;
    this.log.push(record);
    if (record.type === "agent_message" || record.type === "turn_finished") this.growing = null;
    this.all(record);
  }

  delta(id: string, block: number, text: string, parent: string | null = null): void {
    const before = this.growing?.id === id && this.growing.block === block ? this.growing.text : "";
    this.growing = { type: "delta", id, block, kind: "text", offset: 0, text: before + text, parent };
    this.all({ type: "delta", id, block, kind: "text", offset: [...before].length, text, parent });
  }

  all(frame: Frame): void {
    for (const pipe of this.pipes) if (pipe.attached) pipe.say(frame);
  }

  /** Raw text to every socket, as a proxy may deliver it. */
  raw(text: string): void {
    for (const pipe of this.pipes) if (pipe.attached && !pipe.dead) pipe.onmessage?.(text);
  }

  cut(code = 1006): void {
    for (const pipe of [...this.pipes]) pipe.break(code);
    this.pipes = [];
  }

  /** The network eats everything from now on, without a word. */
  freeze(): void {
    for (const pipe of this.pipes) pipe.attached = false;
  }

  private attach(pipe: Pipe, { epoch, after, tail }: { epoch: string; after: number; tail: number }): void {
    const hello: Frame = {
      type: "hello",
      session: "x",
      epoch: this.epoch,
      first_seq: 1,
      last_seq: this.log.length,
      agent: "demo",
      capabilities: this.capabilities,
      activity: this.activity,
      standing: this.standing,
      protocol: 1,
    };
    pipe.say(hello);
    const known = epoch === this.epoch ? after : 0;
    if (epoch !== "" && epoch !== this.epoch) pipe.say({ type: "resync", reason: "epoch" });
    const rest = epoch === this.epoch ? this.log.slice(known) : this.log.slice(-Math.min(tail, this.tail));
    for (let at = 0; at < rest.length; at += 7) pipe.say(...rest.slice(at, at + 7));
    if (this.growing) pipe.say(this.growing);
    pipe.attached = true;
    pipe.say({ type: "caught_up", seq: this.log.length });
  }

  private store(pipe: Pipe, { id, text, steer, attachments }: Extract<FromClient, { type: "send" }>): void {
    let record = this.log.find((one) => one.type === "user_message" && one.id === id);
    if (this.deafAfterSend) {
      this.deafAfterSend = false;
      pipe.attached = false;
      this.record({ type: "user_message", id, text, by: "me" });
      return pipe.break();
    }
    if (!record) {
      const files = this.uploads.filter((file) => attachments.includes(file.id));
      this.record({ type: "user_message", id, text, by: "me", attachments: files });
      record = this.log.at(-1);
      const turn = this.log.findLast((one) => one.type === "turn_started" || one.type === "turn_finished");
      if (steer && turn?.type === "turn_started") this.record({ type: "message_steered", id, turn: turn.turn });
    }
    pipe.say({ type: "stored", id, seq: record?.seq ?? 0 });
  }
}
