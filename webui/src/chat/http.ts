import type { Attachment } from "./core/frames";
import { type ChatPort, ChatRefused, type ChatSocket, type HistoryPage, type Ticket, type Upload } from "./core/port";

const LIMIT_MS = 10_000;
const UPLOAD_LIMIT_MS = 300_000;
const FOUND = 20;

/** The chat over the forge this page came from. */
export const httpChat: ChatPort = {
  ticket: (session) => ask<Ticket>("POST", `/api/v1/sessions/${encodeURIComponent(session)}/ticket`),
  open: (path, protocols) => new BrowserSocket(path, protocols),
  history: (session, before, limit) => {
    const query = new URLSearchParams({ limit: String(limit), ...(before === null ? {} : { before: String(before) }) });
    return ask<HistoryPage>("GET", `/api/v1/sessions/${encodeURIComponent(session)}/history?${query}`);
  },
  upload,
  fileUrl: (session, attachment) => `/s/${encodeURIComponent(session)}/attachments/${encodeURIComponent(attachment)}`,
  findFiles,
};

/** `fetch` tells nothing of how far an upload is, so this is the older way. */
function upload(session: string, file: File, progress: (part: number) => void): Upload {
  const request = new XMLHttpRequest();
  const done = new Promise<Attachment>((take, fail) => {
    const lost = (): void => fail(new Error("It could not be sent. Is the session running?"));
    request.open("POST", `/s/${encodeURIComponent(session)}/attachments?name=${encodeURIComponent(file.name || "file")}`);
    request.timeout = UPLOAD_LIMIT_MS;
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable && event.total > 0) progress(event.loaded / event.total);
    };
    request.onerror = lost;
    request.ontimeout = lost;
    request.onabort = () => fail(new Error("It was taken back."));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) return take(JSON.parse(request.responseText) as Attachment);
      fail(new Error(causeOf(request.responseText) || `The forge answered ${request.status}.`));
    };
    request.send(file);
  });
  return { done, cancel: () => request.abort() };
}

function causeOf(body: string): string {
  try {
    const { detail } = JSON.parse(body) as { detail?: unknown };
    return typeof detail === "string" ? detail : "";
  } catch {
    return "";
  }
}

async function findFiles(session: string, words: string): Promise<readonly string[]> {
  const query = new URLSearchParams({ kind: "name", q: words, limit: String(FOUND) });
  const path = `/s/${encodeURIComponent(session)}/search?${query}`;
  try {
    const response = await fetch(path, { headers: { accept: "application/json" }, signal: AbortSignal.timeout(LIMIT_MS), credentials: "same-origin" });
    if (!response.ok) return [];
    const { items } = (await response.json()) as { items: readonly { path: string }[] };
    return items.map((item) => item.path);
  } catch {
    return []; // A mention is a convenience: without it the path is typed.
  }
}

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
