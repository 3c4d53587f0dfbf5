import { ArrowUp, CornerDownRight, Paperclip, Square } from "lucide-react";
import { type ClipboardEvent, type DragEvent, type KeyboardEvent, type ReactNode, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import { IconButton } from "../../ui/IconButton";
import { useChat } from "../context";
import { filesOf } from "../core/files";
import type { Saying } from "../core/state";
import type { Mouth } from "../session";
import { useChatState } from "../useChatState";
import { Choices } from "./Choices";
import styles from "./Composer.module.css";
import { FileStrip } from "./FileStrip";
import { Hints } from "./Hints";
import { SuggestList } from "./SuggestList";
import { sendsWithEnter, useDraft } from "./useDraft";
import { useSuggest } from "./useSuggest";

interface ComposerProps {
  session: string;
  mouth: Mouth;
  onSend: (text: string, saying: Saying) => void;
  onInterrupt: () => void;
}

/** The best text box in the house: grows, keeps its draft, takes files, completes, sends with Enter, and says why when it takes nothing. */
export function Composer({ session, mouth, onSend, onInterrupt }: ComposerProps): ReactNode {
  const { port } = useChat();
  const [text, setText] = useDraft(session);
  const field = useRef<HTMLTextAreaElement>(null);
  const list = useId();
  const suggest = useSuggest(field, text, setText);
  const files = filesOf(port, session);
  const picked = useStore(files.store);
  const [over, setOver] = useState(false);
  const running = useChatState((state) => state.view.turn !== null && state.link.state !== "stopped");
  const live = useChatState((state) => state.link.state === "live");
  const steers = useChatState((state) => state.capabilities?.steer === true) && running;
  const unready = picked.some((one) => one.state !== "ready");
  const ready = mouth.open && !unready && (text.trim() !== "" || picked.length > 0);
  useEffect(() => files.reach(live), [files, live]);
  useLayoutEffect(() => {
    const box = field.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
  }, [text]);
  const send = (steer: boolean): void => {
    if (!ready) return;
    onSend(text.trim(), { steer, attachments: files.take() });
    setText("");
    field.current?.focus();
  };
  const keys = (event: KeyboardEvent): void => {
    if (suggest.key(event) || event.key !== "Enter" || event.nativeEvent.isComposing) return;
    const does = enterDoes(event, steers);
    if (does === "break") return;
    event.preventDefault();
    send(does === "steer");
  };
  const drop = (event: DragEvent): void => {
    setOver(false);
    if (event.dataTransfer.files.length === 0 || !mouth.open) return;
    event.preventDefault();
    files.add([...event.dataTransfer.files]);
  };
  const paste = (event: ClipboardEvent): void => {
    // A table copied from an office program is text first, with a picture of it beside.
    if (event.clipboardData.files.length === 0 || event.clipboardData.getData("text/plain") !== "") return;
    event.preventDefault();
    files.add([...event.clipboardData.files]);
  };
  const drag = (event: DragEvent): void => {
    if (!mouth.open || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    setOver(true);
  };
  return (
    <div className={styles.composer} data-open={mouth.open} data-over={over} onDragOver={drag} onDragLeave={() => setOver(false)} onDrop={drop}>
      <SuggestList id={list} suggest={suggest} />
      <FileStrip files={files} />
      <textarea
        ref={field}
        className={styles.field}
        rows={1}
        value={text}
        data-composer
        disabled={!mouth.open}
        aria-label="Message to the agent"
        aria-autocomplete="list"
        aria-controls={suggest.items.length > 0 ? list : undefined}
        aria-activedescendant={suggest.items.length > 0 ? `${list}-${suggest.at}` : undefined}
        placeholder={mouth.open ? mouth.placeholder : mouth.why}
        enterKeyHint={sendsWithEnter() ? "send" : "enter"}
        onChange={(event) => {
          setText(event.target.value);
          suggest.look();
        }}
        onSelect={suggest.look}
        onPaste={paste}
        onKeyDown={keys}
      />
      <div className={styles.foot}>
        {mouth.open && <Attach onFiles={(chosen) => files.add(chosen)} />}
        <Choices />
        <Hints mouth={mouth} empty={text.trim() === ""} steers={steers} uploading={unready} />
        <Interrupt onInterrupt={onInterrupt} />
        {steers && (
          <IconButton label="Steer: say it in the middle of this turn" keys={sendsWithEnter() ? "mod+enter" : "shift+mod+enter"} icon={<CornerDownRight aria-hidden />} className={styles.interrupt} disabled={!ready} onClick={() => send(true)} />
        )}
        <IconButton
          label={mouth.open && mouth.starts ? "Start and send" : running ? "Queue" : "Send"}
          keys={sendsWithEnter() ? "enter" : "mod+enter"}
          icon={<ArrowUp aria-hidden />}
          className={styles.send}
          disabled={!ready}
          onClick={() => send(false)}
        />
      </div>
    </div>
  );
}

/** Enter sends (or breaks, when the person wants it so); with Ctrl or ⌘ it steers while a turn runs. */
function enterDoes({ ctrlKey, metaKey, shiftKey, altKey }: KeyboardEvent, steers: boolean): "break" | "send" | "steer" {
  const mod = ctrlKey || metaKey;
  if (!mod) return sendsWithEnter() && !shiftKey && !altKey ? "send" : "break";
  return steers && (sendsWithEnter() || shiftKey) ? "steer" : "send";
}

function Interrupt({ onInterrupt }: { onInterrupt: () => void }): ReactNode {
  const running = useChatState((state) => state.view.turn !== null && state.link.state !== "stopped");
  const interrupting = useChatState((state) => state.interrupting);
  const can = useChatState((state) => state.capabilities?.interrupt !== false);
  if (!running || !can) return null;
  return (
    <IconButton
      label={interrupting ? "Interrupting …" : "Interrupt"}
      keys="esc esc"
      icon={<Square aria-hidden className={styles.stop} />}
      className={styles.interrupt}
      data-interrupt
      disabled={interrupting}
      onClick={onInterrupt}
    />
  );
}

function Attach({ onFiles }: { onFiles: (files: readonly File[]) => void }): ReactNode {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton label="Attach files" icon={<Paperclip aria-hidden />} data-attach onClick={() => input.current?.click()} />
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files to attach"
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
    </>
  );
}
