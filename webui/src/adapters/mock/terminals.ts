import type { TerminalInfo, TerminalsPort, Wire, WireEvents } from "../../ports/terminals";

const encode = (text: string) => new TextEncoder().encode(text);
const PROMPT = "\x1b[32mada@forge\x1b[0m:\x1b[34m~/harbor\x1b[0m$ ";
const COLOURS = Array.from({ length: 16 }, (_, index) => `\x1b[48;5;${index}m    ${index === 7 ? "\x1b[0m\r\n" : ""}`).join("");

let made = 1;
const open: TerminalInfo[] = [info("t1", "bash")];

function info(id: string, title: string): TerminalInfo {
  return { id, title, command: "/bin/bash", columns: 80, rows: 24, viewers: 0, alive: true, created_at: new Date().toISOString() };
}

/** Shells that only echo, and fall off the line when told `drop`. */
export const mockTerminals: TerminalsPort = {
  list: async () => [...open],
  async create(_, title) {
    const one = info(`t${++made}`, title || "bash");
    open.push(one);
    return one;
  },
  async end(_, id) {
    const at = open.findIndex((one) => one.id === id);
    if (at >= 0) open.splice(at, 1);
  },
  connect: (_session, _id, view, events) => new MockShell(view, events),
};

class MockShell implements Wire {
  private line = "";
  private closed = false;

  constructor(
    private readonly view: boolean,
    private readonly events: WireEvents,
  ) {
    window.setTimeout(() => {
      if (this.closed) return;
      events.open();
      this.say(`${PROMPT}git status --short\r\n \x1b[31mM\x1b[0m src/harbor/gate.py\r\n\x1b[31m??\x1b[0m notes.md\r\n${PROMPT}`);
    }, 60);
  }

  send(bytes: Uint8Array): void {
    const text = new TextDecoder().decode(bytes);
    if (this.view || !text.startsWith("0")) return;
    for (const key of text.slice(1)) this.press(key);
  }

  waiting(): number {
    return 0;
  }

  close(): void {
    this.closed = true;
  }

  private press(key: string): void {
    if (key === "\r") this.run();
    else if (key === "\x7f") {
      if (this.line) this.say("\b \b");
      this.line = this.line.slice(0, -1);
    } else {
      this.line += key;
      this.say(key);
    }
  }

  private run(): void {
    const command = this.line.trim();
    this.line = "";
    if (command === "drop") {
      this.closed = true;
      return this.events.close(1006, "");
    }
    const answer = command === "colours" ? `${COLOURS}\x1b[0m\r\n` : command ? `bash: ${command}: this shell only plays one\r\n` : "";
    this.say(`\r\n${answer}${PROMPT}`);
  }

  private say(text: string): void {
    if (!this.closed) this.events.message(encode(`0${text}`));
  }
}
