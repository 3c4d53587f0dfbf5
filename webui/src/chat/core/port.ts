import type { Attachment, ChatRecord } from "./frames";

/** What the chat needs of a socket: a subset of the browser's WebSocket, so that tests and the mock can play one. */
export interface ChatSocket {
  onopen: (() => void) | null;
  onmessage: ((data: string) => void) | null;
  onclose: ((code: number, reason: string) => void) | null;
  send(text: string): void;
  close(): void;
}

export interface Ticket {
  ticket: string;
  path: string;
}

export interface HistoryPage {
  epoch: string;
  records: readonly ChatRecord[];
}

export interface Upload {
  /** Rejects with an Error whose message is for people. */
  done: Promise<Attachment>;
  cancel(): void;
}

/** Where a chat comes from: the forge over HTTP and WebSocket, or a script. */
export interface ChatPort {
  /** A fresh ticket for one socket. Rejects with a `ChatRefused` when there is no use in trying again soon. */
  ticket(session: string): Promise<Ticket>;
  open(path: string, protocols: readonly string[]): ChatSocket;
  /** Records before `before` (or the last ones), oldest first, whether or not the session runs. */
  history(session: string, before: number | null, limit: number): Promise<HistoryPage>;
  /** Store a file that shall go with a message. `progress` is told how much of it is there, 0 to 1. */
  upload(session: string, file: File, progress: (part: number) => void): Upload;
  /** Where an uploaded file can be seen. */
  fileUrl(session: string, attachment: string): string;
  /** Paths in the workspace whose name has these words; empty when it cannot be told. */
  findFiles(session: string, words: string): Promise<readonly string[]>;
}

/** The forge answered, and the answer was no: `gone` (no such session), `stopped` (it does not run), `login` (who are you?). */
export class ChatRefused extends Error {
  constructor(
    readonly why: "gone" | "stopped" | "login",
    message: string,
  ) {
    super(message);
    this.name = "ChatRefused";
  }
}
