import { type ChatPort, ChatRefused, type ChatSocket, type HistoryPage, type Ticket } from "./core/port";

const LIMIT_MS = 10_000;

/** The chat over the forge this page came from. */
export const httpChat: ChatPort = {
  ticket: (session) => ask<Ticket>("POST", `/api/v1/sessions/${encodeURIComponent(session)}/ticket`),
  open: (path, protocols) => new BrowserSocket(path, protocols),
  history: (session, before, limit) => {
    const query = new URLSearchParams({ limit: String(limit), ...(before === null ? {} : { before: String(before) }) });
    return ask<HistoryPage>("GET", `/api/v1/sessions/${encodeURIComponent(session)}/history?${query}`);
  },
};

async function ask<T>(method: string, path: string): Promise<T> {
  const init = { method, headers: { accept: "application/json" }, signal: AbortSignal.timeout(LIMIT_MS) };
  const response = await fetch(path, { ...init, credentials: "same-origin" });
  if (response.ok) return (await response.json()) as T;
  if (response.status === 404) throw new ChatRefused("gone", "There is no such session.");
  if (response.status === 401) throw new ChatRefused("login", "Your login has ended. Open the login link again.");
  if (response.status === 409) throw new ChatRefused("stopped", "The session does not run.");
  throw new Error(`The forge answered ${response.status}.`);
}

class BrowserSocket implements ChatSocket {
  onopen: (() => void) | null = null;
  onmessage: ((data: string) => void) | null = null;
  onclose: ((code: number, reason: string) => void) | null = null;
  private readonly socket: WebSocket;

  constructor(path: string, protocols: readonly string[]) {
    const url = new URL(path, window.location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    this.socket = new WebSocket(url, [...protocols]);
    this.socket.onopen = () => this.onopen?.();
    this.socket.onmessage = (event: MessageEvent<unknown>) => {
      if (typeof event.data === "string") this.onmessage?.(event.data);
    };
    this.socket.onclose = (event) => this.onclose?.(event.code, event.reason);
  }

  send(text: string): void {
    this.socket.send(text);
  }

  close(): void {
    this.onopen = this.onmessage = this.onclose = null;
    this.socket.close();
  }
}
