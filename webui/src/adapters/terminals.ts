import { asProblem } from "../api/problem";
import type { TerminalInfo, TerminalsPort, Wire, WireEvents } from "../ports/terminals";
import { request } from "./http";

const at = (session: string, path: string) => `/s/${encodeURIComponent(session)}/${path}`;

/** A session's terminals: REST for the list, ttyd's protocol over a WebSocket for each. */
export const httpTerminals: TerminalsPort = {
  async list(session) {
    return (await request<{ items: TerminalInfo[] }>("GET", at(session, "terminals"))).items;
  },
  create: (session, title, { columns, rows }) => request<TerminalInfo>("POST", at(session, "terminals"), { title, columns, rows }),
  end: (session, id) => request<void>("DELETE", at(session, `terminals/${encodeURIComponent(id)}`)),
  connect: (session, id, view, events) => new TicketedSocket(session, `ws/terminal/${encodeURIComponent(id)}${view ? "?view=1" : ""}`, events),
};

/** A socket of a session: a ticket first, for it opens one socket once. */
class TicketedSocket implements Wire {
  private socket: WebSocket | undefined;
  private closed = false;

  constructor(
    private readonly session: string,
    path: string,
    private readonly events: WireEvents,
  ) {
    void this.open(at(session, path));
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.socket?.send(bytes);
  }

  waiting(): number {
    return this.socket?.bufferedAmount ?? 0;
  }

  close(): void {
    this.closed = true;
    this.socket?.close();
  }

  private async open(path: string): Promise<void> {
    try {
      const { ticket } = await request<{ ticket: string }>("POST", `/api/v1/sessions/${encodeURIComponent(this.session)}/ticket`);
      if (this.closed) return;
      const url = new URL(path, window.location.href);
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      this.socket = new WebSocket(url, ["tty", `volundr.ticket.${ticket}`]);
    } catch (error) {
      if (!this.closed) this.events.close(0, asProblem(error).detail);
      return;
    }
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.closed || this.events.open();
    this.socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (!this.closed) this.events.message(typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data));
    };
    this.socket.onclose = ({ code, reason }) => this.closed || this.events.close(code, reason);
  }
}
