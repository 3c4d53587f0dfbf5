import { createContext, useCallback, useContext, useState } from "react";
import type { Answer, Engine } from "./core/engine";
import type { Capabilities } from "./core/frames";
import type { ChatPort } from "./core/port";

export interface ChatTools {
  session: string;
  /** The session itself broke, and its page says why. */
  failed: boolean;
  port: ChatPort;
  engine: Engine;
  capabilities: Capabilities | null;
  /** Which lines are open, kept outside of them: a line scrolled far away is not drawn and would forget it. */
  opened: Map<string, boolean>;
  /** Say something as if typed; false when this session takes nothing now. */
  say: ((text: string) => void) | null;
  /** Stop the session's agent and start it anew; null where that cannot be done from here. */
  restart: (() => void) | null;
  decide: (id: string, answer: Answer) => void;
}

export const ChatContext = createContext<ChatTools | null>(null);

export function useChat(): ChatTools {
  const tools = useContext(ChatContext);
  if (tools === null) throw new Error("This part of a chat was drawn outside of <Chat>.");
  return tools;
}

export function useOpen(key: string, first = false): [boolean, () => void] {
  const { opened } = useChat();
  const [open, setOpen] = useState(() => opened.get(key) ?? first);
  const toggle = useCallback(() => {
    setOpen((was) => {
      opened.set(key, !was);
      return !was;
    });
  }, [opened, key]);
  return [open, toggle];
}
