import { ArrowUp, Square } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useLayoutEffect, useRef } from "react";
import { IconButton } from "../../ui/IconButton";
import type { Mouth } from "../session";
import { useChatState } from "../useChatState";
import styles from "./Composer.module.css";
import { Hints } from "./Hints";
import { sendsWithEnter, useDraft } from "./useDraft";

interface ComposerProps {
  session: string;
  mouth: Mouth;
  onSend: (text: string) => void;
  onInterrupt: () => void;
}

/** The best text box in the house: grows, keeps its draft, sends with Enter, and says why when it takes nothing. */
export function Composer({ session, mouth, onSend, onInterrupt }: ComposerProps): ReactNode {
  const [text, setText] = useDraft(session);
  const field = useRef<HTMLTextAreaElement>(null);
  const running = useChatState((state) => state.view.turn !== null && state.link.state !== "stopped");
  const interrupting = useChatState((state) => state.interrupting);
  const can = useChatState((state) => state.capabilities?.interrupt !== false);
  const empty = text.trim() === "";
  useLayoutEffect(() => {
    const box = field.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
  }, [text]);
  const send = (): void => {
    if (empty || !mouth.open) return;
    onSend(text.trim());
    setText("");
    field.current?.focus();
  };
  const keys = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
    const mod = event.ctrlKey || event.metaKey;
    if (!(mod || (sendsWithEnter() && !event.shiftKey && !event.altKey))) return;
    event.preventDefault();
    send();
  };
  return (
    <div className={styles.composer} data-open={mouth.open}>
      <textarea
        ref={field}
        className={styles.field}
        rows={1}
        value={text}
        data-composer
        disabled={!mouth.open}
        aria-label="Message to the agent"
        placeholder={mouth.open ? mouth.placeholder : mouth.why}
        enterKeyHint={sendsWithEnter() ? "send" : "enter"}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={keys}
      />
      <div className={styles.foot}>
        <Hints mouth={mouth} empty={empty} />
        {running && can && (
          <IconButton
            label={interrupting ? "Interrupting …" : "Interrupt"}
            keys="esc esc"
            icon={<Square aria-hidden className={styles.stop} />}
            className={styles.interrupt}
            disabled={interrupting}
            onClick={onInterrupt}
          />
        )}
        <IconButton
          label={mouth.open && mouth.starts ? "Start and send" : running ? "Queue" : "Send"}
          keys={sendsWithEnter() ? "enter" : "mod+enter"}
          icon={<ArrowUp aria-hidden />}
          className={styles.send}
          disabled={empty || !mouth.open}
          onClick={send}
        />
      </div>
    </div>
  );
}
