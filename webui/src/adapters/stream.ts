import type { Session } from "../api/types";
import type { Link, SessionEvents } from "../ports/sessions";
import { problemOf } from "./problem";
import { EventParser, type ServerEvent } from "./sse";

const PATH = "/api/v1/stream";
/** The forge sends something every 15 s: after two and a half of these in silence the connection is dead. */
const SILENCE_MS = 37_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/** Follow all changes of sessions until closed: through cuts, sleep and restarts of the forge. */
export function watch(events: SessionEvents): Link {
  const stream = new Stream(events);
  void stream.run();
  return { retry: () => stream.wake(), close: () => stream.close() };
}

class Stream {
  private last = "";
  private failures = 0;
  private closed = false;
  private abort = new AbortController();
  private woken: (() => void) | undefined;
  private readonly onWake = () => this.wake();

  constructor(private readonly events: SessionEvents) {
    window.addEventListener("online", this.onWake);
    document.addEventListener("visibilitychange", this.onWake);
  }

  async run(): Promise<void> {
    while (!this.closed) {
      this.events.link({ state: "connecting" });
      const why = await this.follow();
      if (this.closed) return;
      if (why === "denied") return this.events.link({ state: "denied" });
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures++);
      this.events.link({ state: "lost", why, retryAt: Date.now() + pause });
      await this.sleep(pause);
    }
  }

  wake(): void {
    if (document.visibilityState === "visible") this.woken?.();
  }

  close(): void {
    this.closed = true;
    this.abort.abort();
    this.woken?.();
    window.removeEventListener("online", this.onWake);
    document.removeEventListener("visibilitychange", this.onWake);
  }

  /** One connection, from its beginning to its end. Returns why it ended. */
  private async follow(): Promise<string> {
    this.abort = new AbortController();
    let silence = this.guard();
    try {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (this.last) headers["last-event-id"] = this.last;
      const response = await fetch(PATH, { headers, signal: this.abort.signal, cache: "no-store" });
      if (response.status === 401) return "denied";
      if (!response.ok || !response.body) return (await problemOf(response)).detail;
      this.opened();
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return "The forge closed the connection.";
        window.clearTimeout(silence);
        silence = this.guard();
        for (const event of parser.push(value)) this.take(event);
      }
    } catch {
      return this.abort.signal.aborted ? "The forge fell silent." : "The forge cannot be reached.";
    } finally {
      window.clearTimeout(silence);
      this.abort.abort();
    }
  }

  private opened(): void {
    this.failures = 0;
    this.events.link({ state: "live" });
    // Without a last id the forge cannot know what we have: the list has to be loaded, after the stream is open, so that no change falls between.
    if (!this.last) this.events.resync();
  }

  private take({ id, event, data }: ServerEvent): void {
    if (event === "resync") this.events.resync();
    else if (event === "session") this.events.session(JSON.parse(data) as Session);
    else if (event === "session_deleted") this.events.deleted((JSON.parse(data) as { id: string }).id);
    if (id) this.last = id;
  }

  private guard(): number {
    return window.setTimeout(() => this.abort.abort(), SILENCE_MS);
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = window.setTimeout(resolve, ms);
      this.woken = () => {
        window.clearTimeout(timer);
        resolve();
      };
    });
  }
}
