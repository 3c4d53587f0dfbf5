import { createStore, type StoreApi } from "zustand/vanilla";
import type { Attachment } from "./frames";
import type { ChatPort, Upload } from "./port";

/** A file that shall go with the next message. */
export interface Picked {
  key: string;
  file: File;
  /** `kept`: not sent yet, because the session cannot be reached. */
  state: "kept" | "sending" | "ready" | "failed";
  part: number;
  error: string;
  attachment: Attachment | null;
}

export const LARGEST = 32 * 1024 * 1024;

/** The files of one session's draft. They live as long as the page: a browser keeps no file for us. */
export class Files {
  readonly store: StoreApi<readonly Picked[]> = createStore<readonly Picked[]>(() => []);
  private readonly uploads = new Map<string, Upload>();
  private online = false;
  private count = 0;

  constructor(
    private readonly session: string,
    private readonly port: ChatPort,
  ) {}

  add(files: readonly File[]): void {
    const picked = files.map((file): Picked => {
      this.count += 1;
      const error = problemOf(file);
      return { key: `file${this.count}`, file, state: error === "" ? "kept" : "failed", part: 0, error, attachment: null };
    });
    this.store.setState([...this.store.getState(), ...picked], true);
    this.go();
  }

  /** Whether the session can take them now; those kept until then are sent. */
  reach(online: boolean): void {
    this.online = online;
    this.go();
  }

  retry(key: string): void {
    this.change(key, { state: "kept", error: "", part: 0 });
    this.go();
  }

  remove(key: string): void {
    this.store.setState(this.store.getState().filter((one) => one.key !== key), true);
    this.uploads.get(key)?.cancel();
    this.uploads.delete(key);
  }

  /** They went with a message: what is ready is the message's now. */
  take(): readonly Attachment[] {
    const ready = this.store.getState().flatMap(({ attachment }) => attachment ?? []);
    this.store.setState(this.store.getState().filter((one) => one.attachment === null), true);
    return ready;
  }

  private go(): void {
    if (!this.online) return;
    for (const { key, file, state, error } of this.store.getState()) if (state === "kept" && error === "") this.send(key, file);
  }

  private send(key: string, file: File): void {
    this.change(key, { state: "sending", part: 0 });
    const upload = this.port.upload(this.session, file, (part) => this.change(key, { part }));
    this.uploads.set(key, upload);
    upload.done.then(
      (attachment) => this.change(key, { state: "ready", part: 1, attachment }),
      // Cut off by a lost connection: tried again when it is back.
      (error: unknown) => this.change(key, this.online ? { state: "failed", error: said(error) } : { state: "kept", part: 0 }),
    );
  }

  private change(key: string, change: Partial<Picked>): void {
    this.store.setState(this.store.getState().map((one) => (one.key === key ? { ...one, ...change } : one)), true);
  }
}

function problemOf(file: File): string {
  if (file.size === 0) return "It is empty.";
  return file.size > LARGEST ? `It is too large: at most ${LARGEST / 1024 / 1024} MiB.` : "";
}

function said(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "It could not be sent.";
}

const drafts = new Map<ChatPort, Map<string, Files>>();

/** The files of this session's draft, the same as long as the page lives. */
export function filesOf(port: ChatPort, session: string): Files {
  let sessions = drafts.get(port);
  if (!sessions) drafts.set(port, (sessions = new Map()));
  let files = sessions.get(session);
  if (!files) sessions.set(session, (files = new Files(session, port)));
  return files;
}
