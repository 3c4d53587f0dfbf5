import type { Size, TerminalsPort, Wire } from "../../../ports/terminals";
import { PAUSE, RESUME, greeting, heard, input, rawInput, resize } from "./protocol";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const OPEN_MS = 15_000;
/** Written but not yet drawn: above the first the terminal is told to wait, below the second to go on. */
const HIGH = 384 * 1024;
const LOW = 64 * 1024;
const MOST_UNSENT = 1024 * 1024;

/** How the line to a terminal is. `lost`: another try is made at `retryAt`. `over`: there is none to make. */
export type LineState =
  | { state: "connecting" }
  | { state: "open" }
  | { state: "lost"; why: string; retryAt: number }
  | { state: "over"; why: string };

/** What shows the terminal. */
export interface Screen {
  size(): Size;
  /** A new connection: what comes now is the whole screen again. */
  reset(): void;
  write(bytes: Uint8Array<ArrayBuffer>, drawn: () => void): void;
  title(text: string): void;
  /** The size that the terminal really has: another viewer may have a smaller window. */
  actual(size: Size): void;
  line(state: LineState): void;
}

const ENDED: Readonly<Record<number, string>> = {
  1000: "The terminal has ended.",
  4001: "The program ended with an error.",
  4404: "This terminal is gone.",
  1001: "The session has stopped.",
};

/** The line to one terminal, connected again until it is closed here or the terminal is gone. What is typed while it is down is refused, not kept. */
export class Line {
  private wire: Wire | undefined;
  private isOpen = false;
  private closed = false;
  private failures = 0;
  private undrawn = 0;
  private paused = false;
  private epoch = 0;
  private timer = 0;
  private guard = 0;

  constructor(
    private readonly port: TerminalsPort,
    private readonly session: string,
    private readonly id: string,
    private readonly view: boolean,
    private readonly screen: Screen,
  ) {
    this.connect();
  }

  /** Whether it was taken. */
  type(data: string, raw = false): boolean {
    if (!this.isOpen || this.view || !this.wire || this.wire.waiting() > MOST_UNSENT) return false;
    this.wire.send(raw ? rawInput(data) : input(data));
    return true;
  }

  /** Say how much fits now. False when there is nobody to decide by it. */
  resize({ columns, rows }: Size): boolean {
    if (!this.isOpen || this.view) return false;
    this.wire?.send(resize(columns, rows));
    return true;
  }

  /** Try now instead of waiting. */
  retry(): void {
    if (this.closed || this.isOpen || this.timer === 0) return;
    window.clearTimeout(this.timer);
    this.connect();
  }

  close(): void {
    this.closed = true;
    this.drop();
    window.clearTimeout(this.timer);
  }

  private connect(): void {
    this.timer = 0;
    const mine = ++this.epoch;
    this.undrawn = 0;
    this.paused = false;
    this.screen.line({ state: "connecting" });
    const current = () => mine === this.epoch && !this.closed;
    this.guard = window.setTimeout(() => current() && this.ended(0, "It does not answer."), OPEN_MS);
    this.wire = this.port.connect(this.session, this.id, this.view, {
      open: () => current() && this.opened(),
      message: (bytes) => current() && this.take(bytes),
      close: (code, reason) => current() && this.ended(code, reason),
    });
  }

  private opened(): void {
    window.clearTimeout(this.guard);
    this.isOpen = true;
    this.screen.reset();
    const { columns, rows } = this.screen.size();
    this.wire?.send(greeting(columns, rows));
    this.screen.line({ state: "open" });
  }

  private take(message: Uint8Array<ArrayBuffer>): void {
    this.failures = 0;
    const said = heard(message);
    if (said.type === "title") this.screen.title(said.text);
    if (said.type === "size") this.screen.actual(said.size);
    if (said.type !== "output") return;
    const mine = this.epoch;
    const { length } = said.bytes;
    this.undrawn += length;
    this.flow();
    this.screen.write(said.bytes, () => {
      if (mine !== this.epoch) return;
      this.undrawn -= length;
      this.flow();
    });
  }

  private flow(): void {
    const wanted = this.paused ? this.undrawn > LOW : this.undrawn > HIGH;
    if (wanted === this.paused || !this.isOpen) return;
    this.paused = wanted;
    this.wire?.send(wanted ? PAUSE : RESUME);
  }

  private ended(code: number, reason: string): void {
    this.drop();
    const over = ENDED[code];
    if (over) return this.screen.line({ state: "over", why: reason || over });
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures++);
    this.timer = window.setTimeout(() => this.connect(), pause);
    this.screen.line({ state: "lost", why: reason, retryAt: Date.now() + pause });
  }

  private drop(): void {
    window.clearTimeout(this.guard);
    this.isOpen = false;
    this.epoch += 1;
    this.wire?.close();
    this.wire = undefined;
  }
}
