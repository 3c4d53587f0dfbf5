import { CHAT_PROTOCOL, type Frame, type FromClient, parseFrames, SILENCE_MS } from "./frames";
import { type ChatPort, ChatRefused, type ChatSocket } from "./port";

export type Link =
  | { state: "off" }
  | { state: "connecting"; attempt: number }
  | { state: "replaying" }
  | { state: "live" }
  /** Lost; another try at `until` (milliseconds of the clock). `why` is for people. */
  | { state: "waiting"; attempt: number; until: number; why: string }
  /** The session does not run: nothing to connect to until it does. */
  | { state: "stopped" }
  | { state: "gone" }
  | { state: "refused"; why: string };

/** Time and chance, handed in so that a test can own them. */
export interface Clock {
  now(): number;
  after(ms: number, run: () => void): () => void;
  random(): number;
}

export interface Cursor {
  epoch: string;
  after: number;
}

export interface Listener {
  /** Where to go on; the connection asks each time it attaches. */
  cursor(): Cursor;
  frames(frames: readonly Frame[]): void;
  link(link: Link): void;
}

const TICKET_MS = 10_000;
const OPEN_MS = 10_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** The forge says that the session runs, its socket says that it does not: look again, slowly. */
const PARKED_WAIT_MS = 5_000;
const TAIL = 500;

/** One chat socket, kept alive: ticket, connect, attach, replay, live; and again whenever it breaks. */
export class Connection {
  private link: Link = { state: "off" };
  private socket: ChatSocket | null = null;
  private cancel: (() => void) | null = null;
  private heard = 0;
  private attempt = 0;
  /** Grows with each try: an answer that belongs to an older try is not listened to. */
  private round = 0;
  private running = false;

  constructor(
    private readonly session: string,
    private readonly port: ChatPort,
    private readonly clock: Clock,
    private readonly listener: Listener,
  ) {}

  get state(): Link["state"] {
    return this.link.state;
  }

  /** Connect if the session runs; otherwise wait until it does. */
  start(running: boolean): void {
    this.running = running;
    if (this.link.state !== "off") return;
    if (running) this.connect();
    else this.enter({ state: "stopped" });
  }

  stop(): void {
    this.leave();
    this.enter({ state: "off" });
  }

  /** The session began or ceased to run, as the forge says. */
  setRunning(running: boolean): void {
    const before = this.running;
    this.running = running;
    if (this.link.state === "off") return;
    if (running && !before && this.link.state !== "live" && this.link.state !== "replaying") this.again();
    else if (!running && (this.link.state === "waiting" || this.link.state === "connecting")) {
      this.leave();
      this.enter({ state: "stopped" });
    }
  }

  /** The network is back or the page is looked at again: do not wait for the back-off, do not trust a silent socket. */
  wake(): void {
    if (this.link.state === "waiting" || this.link.state === "refused") this.again();
    else if (this.link.state === "live" && this.clock.now() - this.heard > SILENCE_MS / 2) this.again();
  }

  /** Something was missed: attach anew, from the cursor. */
  restart(): void {
    if (this.link.state !== "off") this.lost("A record is missing.");
  }

  /** False when it could not be written now. */
  send(frame: FromClient): boolean {
    if (this.link.state !== "live" || this.socket === null) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  private again(): void {
    this.leave();
    this.attempt = 0;
    this.connect();
  }

  private connect(): void {
    this.leave();
    const round = this.round;
    this.attempt += 1;
    this.enter({ state: "connecting", attempt: this.attempt });
    this.cancel = this.clock.after(TICKET_MS, () => this.lost("The forge does not answer."));
    this.port.ticket(this.session).then(
      (ticket) => {
        if (round === this.round) this.open(ticket.path, ticket.ticket);
      },
      (error: unknown) => {
        if (round === this.round) this.noTicket(error);
      },
    );
  }

  private noTicket(error: unknown): void {
    if (!(error instanceof ChatRefused)) return this.lost("The forge cannot be reached.");
    if (error.why === "gone") return this.end({ state: "gone" });
    if (error.why === "login") return this.end({ state: "refused", why: error.message });
    this.parked({ state: "stopped" });
  }

  private open(path: string, ticket: string): void {
    this.leave();
    const round = this.round;
    const socket = this.port.open(path, [CHAT_PROTOCOL, `volundr.ticket.${ticket}`]);
    this.socket = socket;
    this.cancel = this.clock.after(OPEN_MS, () => this.lost("The session does not answer."));
    socket.onopen = () => {
      if (round === this.round) this.attach(socket);
    };
    socket.onmessage = (data) => {
      if (round === this.round) this.take(data);
    };
    socket.onclose = (code) => {
      if (round === this.round) this.closed(code);
    };
  }

  private attach(socket: ChatSocket): void {
    this.heard = this.clock.now();
    this.enter({ state: "replaying" });
    socket.send(JSON.stringify({ type: "attach", ...this.listener.cursor(), tail: TAIL } satisfies FromClient));
    this.watch();
  }

  private take(data: string): void {
    this.heard = this.clock.now();
    const frames = parseFrames(data);
    this.listener.frames(frames);
    if (this.link.state !== "replaying" || !frames.some((frame) => frame.type === "caught_up")) return;
    this.attempt = 0;
    this.enter({ state: "live" });
  }

  private watch(): void {
    this.cancel?.();
    const left = this.heard + SILENCE_MS - this.clock.now();
    this.cancel = this.clock.after(Math.max(left, 0), () => {
      if (this.clock.now() - this.heard >= SILENCE_MS) this.lost("Nothing was heard for a while.");
      else this.watch();
    });
  }

  private closed(code: number): void {
    if (code === 4404) return this.parked({ state: "gone" });
    if (code === 1001) return this.parked({ state: "stopped" });
    // A ticket is for one socket and one minute: a refused one says nothing about the next, unless it goes on so.
    if (code === 4401 && this.attempt <= 1) return this.connect();
    this.lost(code === 1012 ? "The session's broker restarts." : "The connection was lost.");
  }

  private parked(link: Link): void {
    this.leave();
    this.attempt = 0;
    this.enter(link);
    if (!this.running) return;
    this.cancel = this.clock.after(PARKED_WAIT_MS, () => {
      if (this.running) this.connect();
    });
  }

  private lost(why: string): void {
    this.leave();
    const attempt = Math.max(this.attempt, 1);
    const ceiling = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS);
    const wait = ceiling / 2 + (ceiling / 2) * this.clock.random();
    this.enter({ state: "waiting", attempt, until: this.clock.now() + wait, why });
    this.cancel = this.clock.after(wait, () => this.connect());
  }

  private end(link: Link): void {
    this.leave();
    this.enter(link);
  }

  private leave(): void {
    this.round += 1;
    this.cancel?.();
    this.cancel = null;
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private enter(link: Link): void {
    this.link = link;
    this.listener.link(link);
  }
}
