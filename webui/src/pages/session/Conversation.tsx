import { Chat, type ChatPort, httpChat, mockChat } from "../../chat";
import type { Session } from "../../api/types";
import { act, restart } from "../../stores/verbs";

const PORT: ChatPort = import.meta.env.MODE === "mock" ? mockChat : httpChat;

/** The chat with this build's adapter. Loaded apart from the shell: the list should not wait for it. */
export default function Conversation({ session }: { session: Session }) {
  return <Chat session={session} port={PORT} onStart={() => act(session.id, "start")} onRestart={() => restart(session.id)} />;
}
