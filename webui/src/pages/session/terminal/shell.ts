import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import type { Size, TerminalsPort } from "../../../ports/terminals";
import { tell, tellProblem } from "../../../stores/toasts";
import { Line, type LineState } from "./line";
import { adoptSheets, openUnderPolicy } from "./sheets";
import { onThemeChange, themeOf } from "./theme";

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const SCROLLBACK = 10_000;
const SETTLE_MS = 60;

export interface ShellEvents {
  line(state: LineState): void;
  title(text: string): void;
  /** Something was typed that could not be sent. */
  refused(): void;
  /** The person wants the keyboard back for the page. */
  leave(): void;
}

export interface ShellPlace {
  session: string;
  id: string;
  view: boolean;
}

/** A terminal on the page: drawn by xterm, over a line that comes back. */
export class Shell {
  private readonly terminal: Terminal;
  private readonly fit = new FitAddon();
  private readonly line: Line;
  private readonly ends: (() => void)[] = [];
  private timer = 0;
  /** How much fits into the box. The terminal itself may be smaller: the smallest window of all who look decides. */
  private room: Size = { columns: 80, rows: 24 };
  /** The next letter is typed with Ctrl: a phone's keyboard has no such key. */
  control = false;

  constructor(box: HTMLElement, port: TerminalsPort, place: ShellPlace, private readonly events: ShellEvents) {
    const style = getComputedStyle(box);
    this.terminal = new Terminal({
      allowProposedApi: false,
      fontFamily: style.fontFamily,
      fontSize: Number.parseFloat(style.fontSize),
      lineHeight: 1.2,
      scrollback: SCROLLBACK,
      cursorBlink: false,
      cursorInactiveStyle: "outline",
      minimumContrastRatio: 4.5,
      macOptionIsMeta: true,
      theme: themeOf(box),
    });
    this.terminal.loadAddon(this.fit);
    openUnderPolicy(() => this.terminal.open(box));
    this.ends.push(adoptSheets(box));
    this.room = this.measure();
    this.terminal.resize(this.room.columns, this.room.rows);
    this.terminal.attachCustomKeyEventHandler((event) => this.press(event));
    this.line = new Line(port, place.session, place.id, place.view, {
      size: () => this.room,
      reset: () => this.terminal.reset(),
      write: (bytes, drawn) => this.terminal.write(bytes, drawn),
      title: (text) => events.title(text),
      actual: ({ columns, rows }) => this.terminal.resize(columns, rows),
      line: (state) => events.line(state),
    });
    this.terminal.onData((data) => this.send(data));
    this.terminal.onBinary((data) => this.send(data, true));
    this.follow(box);
  }

  focus(): void {
    this.terminal.focus();
  }

  retry(): void {
    this.line.retry();
  }

  /** Send keys as if typed. */
  send(data: string, raw = false): void {
    const keys = this.control && data.length === 1 ? withControl(data) : data;
    this.control = false;
    if (!this.line.type(keys, raw)) this.events.refused();
  }

  async copy(): Promise<void> {
    const text = this.terminal.getSelection();
    if (!text) return tell("Nothing is selected.");
    await navigator.clipboard.writeText(text).then(() => tell("Copied."), tellProblem);
  }

  async paste(): Promise<void> {
    try {
      this.terminal.paste(await navigator.clipboard.readText());
    } catch {
      tell("The browser does not let this page read the clipboard. Paste with the keyboard instead.");
    }
  }

  /** An arrow as the program wants it: full-screen programs have their own. */
  arrow(letter: "A" | "B" | "C" | "D"): void {
    this.send(this.terminal.modes.applicationCursorKeysMode ? `\x1bO${letter}` : `\x1b[${letter}`);
  }

  close(): void {
    window.clearTimeout(this.timer);
    this.line.close();
    this.ends.forEach((end) => end());
    this.terminal.dispose();
  }

  private press(event: KeyboardEvent): boolean {
    if (event.type !== "keydown") return true;
    const key = event.key.toLowerCase();
    if (event.ctrlKey && event.key === "F6") {
      event.preventDefault();
      this.events.leave();
      return false;
    }
    const copies = !MAC && event.ctrlKey && key === "c" && (event.shiftKey || this.terminal.hasSelection());
    if (copies) {
      event.preventDefault();
      void this.copy().then(() => this.terminal.clearSelection());
      return false;
    }
    // Left to the browser, which then pastes: so nobody has to be asked for the clipboard.
    return !(!MAC && event.ctrlKey && event.shiftKey && key === "v");
  }

  private measure(): Size {
    const found = this.fit.proposeDimensions();
    return found && found.cols > 1 ? { columns: found.cols, rows: found.rows } : this.room;
  }

  private resize(): void {
    const next = this.measure();
    if (next.columns === this.room.columns && next.rows === this.room.rows) return;
    this.room = next;
    // Answered with the size that it then has.
    if (!this.line.resize(next)) this.terminal.resize(next.columns, next.rows);
  }

  private follow(box: HTMLElement): void {
    const settle = () => {
      window.clearTimeout(this.timer);
      this.timer = window.setTimeout(() => box.clientWidth > 0 && this.resize(), SETTLE_MS);
    };
    const observer = new ResizeObserver(settle);
    observer.observe(box);
    const wake = () => document.visibilityState === "visible" && this.line.retry();
    window.addEventListener("online", wake);
    document.addEventListener("visibilitychange", wake);
    void document.fonts?.ready.then(settle);
    this.ends.push(
      () => observer.disconnect(),
      () => window.removeEventListener("online", wake),
      () => document.removeEventListener("visibilitychange", wake),
      onThemeChange(() => (this.terminal.options.theme = themeOf(box))),
    );
  }
}

/** The letter with Ctrl held: Ctrl C is the third control character. */
export function withControl(letter: string): string {
  const code = letter.toUpperCase().charCodeAt(0);
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code - 0x40) : letter;
}
