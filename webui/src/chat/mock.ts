import { type Activity, type Attachment, type Capabilities, type ChatRecord, type Delta, type Frame, type FromClient } from "./core/frames";
import { NOTHING_STANDS } from "./core/standing";
import type { ChatPort, ChatSocket, HistoryPage } from "./core/port";
import { flood, longPast, wantedPast, whole } from "./mock/flood";
import { past, type Told } from "./mock/past";
import { answerTo, type Beat, endOf, presentTurn } from "./mock/present";

const PACE_MS = 28;
const CAPABILITIES: Capabilities = {
  ...{ deltas: true, permissions: true, interrupt: true, resume: true, edited_input: true, steer: true },
  ...{ model: true, mode: true, thinking: true, images: true, fork: true, per_message: false },
};

/** A session that plays itself: a rich past, then a turn that streams, asks, fails and goes on as long as it is answered. */
class MockSession {
  private readonly log: ChatRecord[] = [];
  private readonly sockets = new Set<MockSocket>();
  private readonly growing = new Map<string, Delta>();
  private activity: Activity = { state: "idle", what: "", since: "" };
  private queue: { id: string; text: string }[] = [];
  private readonly files = new Map<string, { about: Attachment; url: string }>();
  private beats: Beat[] = [];
  private turn = 0;
  private openQuestion = "";
  private playing = false;

  constructor() {
    let at = Date.now() - 11 * 60_000;
    const many = wantedPast();
    if (many > 0) {
      for (const told of longPast(many)) this.keep(told, new Date());
      this.turn = many;
      return;
    }
    for (const told of past()) {
      at += told.type === "user_message" ? 90_000 : told.type === "tool_finished" ? 1_700 : 5_000;
      this.keep(told, new Date(at));
    }
    this.turn = 3;
    this.play(presentTurn());
  }

  attach(socket: MockSocket, after: number, tail: number): void {
    this.sockets.add(socket);
    const capabilities = CAPABILITIES;
    const last_seq = this.log.length;
    socket.hear([{ type: "hello", session: "mock", epoch: "mock", first_seq: 1, last_seq, agent: "demo", capabilities, activity: this.activity, standing: NOTHING_STANDS, protocol: 1 }]);
    socket.hear(after > 0 ? this.log.slice(after) : this.log.slice(-Math.max(tail, wantedPast())));
    socket.hear([...this.growing.values(), { type: "caught_up", seq: last_seq }]);
  }

  leave(socket: MockSocket): void {
    this.sockets.delete(socket);
  }

  take(socket: MockSocket, frame: FromClient): void {
    if (frame.type === "attach") return this.attach(socket, frame.after, frame.tail);
    if (frame.type === "interrupt") return this.interrupt();
    if (frame.type === "decide") return this.decided(frame);
    if (frame.type === "choose") return this.choose(frame);
    if (frame.type === "edit" || frame.type === "remove") return this.change(socket, frame);
    this.said(socket, frame);
  }

  upload(file: File): Attachment {
    const about = { id: crypto.randomUUID(), name: file.name, media_type: file.type, size: file.size };
    this.files.set(about.id, { about, url: URL.createObjectURL(file) });
    return about;
  }

  file(id: string): string {
    return this.files.get(id)?.url ?? "";
  }

  private said(socket: MockSocket, frame: Extract<FromClient, { type: "send" }>): void {
    const { id, text } = frame;
    if (this.log.some((record) => record.type === "user_message" && record.id === id)) return;
    const attachments = frame.attachments.flatMap((file) => this.files.get(file)?.about ?? []);
    this.record({ type: "user_message", id, text, by: "local", attachments });
    socket.hear([{ type: "stored", id, seq: this.log.length }]);
    if (frame.steer && this.playing) {
      this.record({ type: "message_steered", id, turn: this.turn });
      window.setTimeout(() => this.record({ type: "message_seen", id }), 900);
      return;
    }
    this.queue.push({ id, text });
    if (!this.playing) this.next();
  }

  private change(socket: MockSocket, frame: Extract<FromClient, { type: "edit" | "remove" }>): void {
    const { id } = frame;
    const waiting = this.queue.find((one) => one.id === id);
    if (!waiting) return socket.hear([{ type: "rejected", id, error: "The agent has this message already, or it was taken back." }]);
    if (frame.type === "edit") {
      waiting.text = frame.text;
      return this.record({ type: "message_edited", id, text: frame.text, by: "local" });
    }
    this.queue = this.queue.filter((one) => one !== waiting);
    this.record({ type: "message_removed", id, by: "local" });
  }

  private choose(frame: Extract<FromClient, { type: "choose" }>): void {
    const [model, mode, thinking] = [frame.model ?? null, frame.mode ?? null, frame.thinking ?? null];
    this.record({ type: "chosen", model, mode, thinking, by: "local" });
    const now = { model: model ?? "", mode: mode ?? "", thinking: thinking ?? "" };
    const rest = { native: "n1", error: "", hint: "" };
    window.setTimeout(() => this.record({ type: "agent_state", state: "ready", run: "r1", agent: "demo", ...now, ...rest }), 1_400);
  }

  history(before: number | null, limit: number): HistoryPage {
    const older = this.log.filter((record) => before === null || record.seq < before);
    return { epoch: "mock", records: older.slice(-limit) };
  }

  private next(): void {
    if (this.queue.length === 0) return this.act({ state: "idle", what: "", since: "" });
    this.turn += 1;
    const messages = this.queue.map(({ id }) => id);
    const words = this.queue.map(({ text }) => text).join("\n");
    this.queue = [];
    if (words === "flood") return this.flood(messages);
    this.play([{ told: { type: "turn_started", turn: this.turn, messages } }, ...messages.map((id) => ({ told: { type: "message_seen", id } as Told })), ...answerTo(words, this.turn)]);
  }

  /** 4,000 deltas, 20 at a time. */
  private flood(messages: readonly string[]): void {
    this.playing = true;
    this.record({ type: "turn_started", turn: this.turn, messages });
    const deltas = flood(`flood${this.turn}`);
    let at = 0;
    const timer = window.setInterval(() => {
      for (const socket of this.sockets) socket.hear(deltas.slice(at, at + 20));
      at += 20;
      if (at < deltas.length) return;
      window.clearInterval(timer);
      this.record({ type: "agent_message", block: 0, kind: "text", parent: null, ...whole(deltas) });
      this.play([endOf(this.turn)]);
    }, 40);
  }

  private play(beats: Beat[]): void {
    this.beats = beats;
    this.playing = true;
    this.step();
  }

  private step(): void {
    const beat = this.beats.shift();
    if (!beat) {
      this.playing = false;
      return this.next();
    }
    if (beat.activity) this.act({ ...beat.activity, since: new Date().toISOString() });
    if (beat.told) this.record(beat.told);
    if (beat.stream) this.stream(beat.stream);
    if (beat.live) this.all(beat.live);
    if (beat.told?.type === "permission_raised") {
      this.openQuestion = beat.told.id;
      return;
    }
    window.setTimeout(() => this.step(), beat.wait ?? (beat.stream ? PACE_MS : PACE_MS * 8));
  }

  private decided(frame: Extract<FromClient, { type: "decide" }>): void {
    if (frame.id !== this.openQuestion) return;
    this.openQuestion = "";
    const { id, decision, scope, message, input } = frame;
    window.setTimeout(() => {
      this.record({ type: "permission_decided", id, decision, scope, message, input, by: "local" });
      window.setTimeout(() => {
        this.record({ type: "permission_delivered", id });
        if (decision === "deny") this.beats = this.beats.filter((beat) => beat.onlyIfAllowed !== id);
        this.step();
      }, 500);
    }, 250);
  }

  private interrupt(): void {
    this.beats = [];
    this.growing.clear();
    this.record({ type: "interrupt_requested", turn: this.turn, by: "local" });
    if (this.openQuestion !== "") this.record({ type: "permission_closed", id: this.openQuestion, reason: "interrupted" });
    this.openQuestion = "";
    this.record({ type: "turn_finished", turn: this.turn, status: "interrupted", error: "", hint: "", usage: [], duration_ms: 9_400 });
    this.playing = false;
    window.setTimeout(() => this.next(), 300);
  }

  private stream(piece: { id: string; block: number; kind: "text" | "thinking"; text: string }): void {
    const key = `${piece.id}:${piece.block}`;
    const before = this.growing.get(key)?.text ?? "";
    this.growing.set(key, { type: "delta", ...piece, offset: 0, text: before + piece.text, parent: null });
    this.all({ type: "delta", ...piece, offset: [...before].length, parent: null });
  }

  private act(activity: Activity): void {
    this.activity = activity;
    this.all({ type: "activity", activity });
  }

  private record(told: Told): void {
    if (told.type === "agent_message") this.growing.delete(`${told.id}:${told.block}`);
    this.all(this.keep(told, new Date()));
  }

  private keep(told: Told, at: Date): ChatRecord {
    const record = { ...told, seq: this.log.length + 1, at: at.toISOString() } as ChatRecord;
    this.log.push(record);
    return record;
  }

  private all(frame: Frame): void {
    for (const socket of this.sockets) socket.hear([frame]);
  }
}

const FILES = ["README.md", "src/orders/client.py", "src/orders/retry.py", "src/jobs/nightly.py", "tests/orders/test_retry.py"];

class MockSocket implements ChatSocket {
  onopen: (() => void) | null = null;
  onmessage: ((data: string) => void) | null = null;
  onclose: ((code: number, reason: string) => void) | null = null;

  constructor(private readonly session: MockSession) {
    window.setTimeout(() => this.onopen?.(), 30);
  }

  hear(frames: readonly Frame[]): void {
    if (frames.length > 0) this.onmessage?.(frames.map((frame) => JSON.stringify(frame)).join("\n"));
  }

  send(text: string): void {
    this.session.take(this, JSON.parse(text) as FromClient);
  }

  close(): void {
    this.session.leave(this);
  }
}

const sessions = new Map<string, MockSession>();

function played(id: string): MockSession {
  let session = sessions.get(id);
  if (!session) sessions.set(id, (session = new MockSession()));
  return session;
}

/** A chat without a server, for the mock mode of the page and for screenshots. */
export const mockChat: ChatPort = {
  ticket: (session) => Promise.resolve({ ticket: "mock", path: session }),
  open: (path) => new MockSocket(played(path)),
  history: (session, before, limit) => Promise.resolve(played(session).history(before, limit)),
  upload: (session, file, progress) => {
    const done = new Promise<Attachment>((take) => {
      progress(0.4);
      window.setTimeout(() => take(played(session).upload(file)), 700);
    });
    return { done, cancel: () => undefined };
  },
  fileUrl: (session, id) => played(session).file(id),
  findFiles: (_session, words) => Promise.resolve(FILES.filter((path) => path.includes(words))),
};
