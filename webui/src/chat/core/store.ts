import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clock } from "./connection";
import { type ChatState, EMPTY_STATE, Engine } from "./engine";
import type { Keep } from "./outbox";
import type { ChatPort } from "./port";

export interface ChatHandle {
  engine: Engine;
  store: StoreApi<ChatState>;
}

interface Held extends ChatHandle {
  users: number;
  release: (() => void) | null;
  leave: () => void;
}

/** A chat that nobody looks at stays connected this long, so that changing tabs does not begin the replay again. */
const LINGER_MS = 30_000;
/** A hidden page gets no animation frames; its frames are taken by this clock instead. */
const HIDDEN_FLUSH_MS = 250;

const held = new Map<ChatPort, Map<string, Held>>();

/** The chat of a session, connected while at least one caller holds it. */
export function holdChat(port: ChatPort, session: string, running: boolean): ChatHandle {
  let sessions = held.get(port);
  if (!sessions) held.set(port, (sessions = new Map()));
  let chat = sessions.get(session);
  if (!chat) sessions.set(session, (chat = open(port, session, running)));
  chat.users += 1;
  chat.release?.();
  chat.release = null;
  return chat;
}

export function releaseChat(port: ChatPort, session: string): void {
  const chat = held.get(port)?.get(session);
  if (!chat) return;
  chat.users -= 1;
  if (chat.users > 0) return;
  chat.release = browserClock.after(LINGER_MS, () => {
    held.get(port)?.delete(session);
    chat.leave();
  });
}

function open(port: ChatPort, session: string, running: boolean): Held {
  const store = createStore<ChatState>(() => EMPTY_STATE);
  const engine = new Engine({
    session,
    port,
    clock: browserClock,
    keep: storage(),
    newId: () => crypto.randomUUID(),
    soon: beforePaint,
    publish: (change) => store.setState(change),
  });
  const leave = listen(engine);
  engine.start(running);
  return { engine, store, users: 0, release: null, leave };
}

function listen(engine: Engine): () => void {
  const wake = (): void => {
    if (document.visibilityState !== "hidden") engine.wake();
  };
  window.addEventListener("online", wake);
  window.addEventListener("pageshow", wake);
  document.addEventListener("visibilitychange", wake);
  return () => {
    window.removeEventListener("online", wake);
    window.removeEventListener("pageshow", wake);
    document.removeEventListener("visibilitychange", wake);
    engine.stop();
  };
}

const browserClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = window.setTimeout(run, ms);
    return () => window.clearTimeout(timer);
  },
  random: () => Math.random(),
};

function beforePaint(flush: () => void): void {
  let done = false;
  const once = (): void => {
    if (done) return;
    done = true;
    window.cancelAnimationFrame(frame);
    window.clearTimeout(timer);
    flush();
  };
  const frame = window.requestAnimationFrame(once);
  const timer = window.setTimeout(once, HIDDEN_FLUSH_MS);
}

function storage(): Keep {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
