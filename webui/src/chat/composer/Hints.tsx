import type { ReactNode } from "react";
import { Kbd } from "../../ui/Kbd";
import type { Mouth } from "../session";
import { useChatState } from "../useChatState";
import styles from "./Composer.module.css";
import { sendsWithEnter } from "./useDraft";

interface HintsProps {
  mouth: Mouth;
  empty: boolean;
  steers: boolean;
  uploading: boolean;
}

/** What the keys do now, in one quiet line. */
export function Hints({ mouth, empty, steers, uploading }: HintsProps): ReactNode {
  const running = useChatState((state) => state.view.turn !== null);
  const live = useChatState((state) => state.link.state === "live");
  if (!mouth.open) return <p className={styles.hint} />;
  if (uploading) return <p className={styles.hint} role="status">{live ? "Files are on their way; then it can be sent" : "Files go up as soon as the session can be reached"}</p>;
  if (!empty && !live && !mouth.starts) return <p className={styles.hint}>Kept here and sent when the session can be reached</p>;
  const word = mouth.starts ? "starts and sends" : running ? "queues" : "sends";
  const enter = sendsWithEnter();
  return (
    <p className={styles.hint} data-keys>
      <Kbd keys={enter ? "enter" : "mod+enter"} /> {word}
      {steers && <><Kbd keys={enter ? "mod+enter" : "shift+mod+enter"} /> steers</>}
      <Kbd keys={enter ? "shift+enter" : "enter"} /> new line
    </p>
  );
}
