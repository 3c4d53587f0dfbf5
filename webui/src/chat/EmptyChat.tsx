import type { ReactNode } from "react";
import { Button } from "../ui/Button";
import { useChat } from "./context";
import styles from "./EmptyChat.module.css";
import type { ChatSession } from "./session";
import { useChatState } from "./useChatState";

/** The demo agent understands only these and their like. */
const DEMO_IDEAS = ["plan", "write a file notes.md with Some text", "run ls -la"];
const IDEAS = ["What is in this workspace?", "Run the tests and tell me what fails", "Find the entry point and explain it in five lines"];

interface EmptyChatProps {
  session: ChatSession;
  onTry: ((text: string) => void) | null;
}

/** The first page of a conversation teaches one next step. */
export function EmptyChat({ session, onTry }: EmptyChatProps): ReactNode {
  const { engine } = useChat();
  const unread = useChatState((state) => state.older === "failed" && state.view.lastSeq === 0);
  if (unread) {
    return (
      <div className={styles.empty}>
        <h2>The conversation could not be read</h2>
        <p>It is kept, nothing is lost. The session's broker did not give it; its log says why.</p>
        <Button onClick={() => void engine.readPast()}>Try again</Button>
      </div>
    );
  }
  return (
    <div className={styles.empty}>
      <h2>{onTry ? "Say what to do" : "Nothing was said here"}</h2>
      <p>
        The agent {session.agent}{session.model !== "" && ` (${session.model})`} works in this session's own folder. It asks before it does what you
        did not allow yet.
      </p>
      {onTry && (
        <ul>
          {(session.agent === "demo" ? DEMO_IDEAS : IDEAS).map((idea) => (
            <li key={idea}><button type="button" onClick={() => onTry(idea)}>{idea}</button></li>
          ))}
        </ul>
      )}
    </div>
  );
}
