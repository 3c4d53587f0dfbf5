import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import styles from "./Chat.module.css";
import { AgentPlan } from "./composer/AgentPlan";
import { Composer } from "./composer/Composer";
import { Queue } from "./composer/Queue";
import { StatusLine } from "./composer/StatusLine";
import { ChatContext, type ChatTools } from "./context";
import type { Answer, Saying } from "./core/state";
import type { ChatPort } from "./core/port";
import { type ChatHandle, holdChat, releaseChat } from "./core/store";
import { EmptyChat } from "./EmptyChat";
import { httpChat } from "./http";
import { type ChatSession, mouth } from "./session";
import { SessionNote } from "./SessionNote";
import { Transcript } from "./transcript/Transcript";
import { jumpToQuestion, useChatKeys } from "./useChatKeys";
import { ChatStoreContext, useChatState } from "./useChatState";

export interface ChatProps {
  session: ChatSession;
  /** Start the session; called when a person sends something while it does not run. */
  onStart?: (() => void) | undefined;
  /** Stop it and start it anew, for an agent that is dead or stuck. */
  onRestart?: (() => void) | undefined;
  /** Where the chat comes from; the forge unless told otherwise. */
  port?: ChatPort;
}

/** The conversation of one session. */
export function Chat({ session, onStart, onRestart, port = httpChat }: ChatProps): ReactNode {
  return <Held key={session.id} session={session} onStart={onStart} onRestart={onRestart} port={port} />;
}

function Held({ session, onStart, onRestart, port }: ChatProps & { port: ChatPort }): ReactNode {
  const [handle, setHandle] = useState<ChatHandle | null>(null);
  const running = session.status === "running";
  const first = useRef(running);
  useEffect(() => {
    setHandle(holdChat(port, session.id, first.current));
    return () => releaseChat(port, session.id);
  }, [port, session.id]);
  useEffect(() => handle?.engine.setRunning(running), [handle, running]);
  if (handle === null) return null;
  return (
    <ChatStoreContext.Provider value={handle.store}>
      <Room session={session} onStart={onStart} onRestart={onRestart} port={port} handle={handle} />
    </ChatStoreContext.Provider>
  );
}

interface RoomProps {
  session: ChatSession;
  onStart: (() => void) | undefined;
  onRestart: (() => void) | undefined;
  port: ChatPort;
  handle: ChatHandle;
}

function Room({ session, onStart, onRestart, port, handle: { engine } }: RoomProps): ReactNode {
  const root = useRef<HTMLDivElement>(null);
  const [opened] = useState(() => new Map<string, boolean>());
  const capabilities = useChatState((state) => state.capabilities);
  const running = useChatState((state) => state.view.turn !== null && state.link.state === "live");
  const voice = mouth(session, onStart !== undefined);
  const { open } = voice;
  const starts = voice.open && voice.starts;
  const start = useRef(onStart);
  start.current = onStart;
  const say = useCallback(
    (text: string, saying: Saying = {}) => {
      engine.send(text, saying);
      if (starts) start.current?.();
    },
    [engine, starts],
  );
  const failed = session.status === "failed";
  const again = useRef(onRestart);
  again.current = onRestart;
  const restarts = onRestart !== undefined;
  const tools = useMemo<ChatTools>(
    () => ({
      ...{ session: session.id, failed, port, engine, capabilities, opened, say: open ? say : null },
      restart: restarts ? () => again.current?.() : null,
      decide: (id: string, answer: Answer) => engine.decide(id, answer),
    }),
    [session.id, failed, port, engine, capabilities, opened, open, say, restarts],
  );
  const interrupt = useCallback(() => void engine.interrupt(), [engine]);
  const jump = useCallback(() => jumpToQuestion(root.current), []);
  const armed = useChatKeys(root, { running, onInterrupt: interrupt, onJump: jump });
  return (
    <ChatContext.Provider value={tools}>
      <div ref={root} className={styles.chat}>
        <Transcript empty={<EmptyChat session={session} onTry={open ? say : null} />} />
        <div className={styles.dock}>
          <SessionNote session={session} onStart={onStart} />
          <AgentPlan />
          <StatusLine onJump={jump} armed={armed} />
          <Queue />
          <Composer session={session.id} mouth={voice} onSend={say} onInterrupt={interrupt} />
        </div>
      </div>
    </ChatContext.Provider>
  );
}
