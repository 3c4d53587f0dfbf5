import { type KeyboardEvent, type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { Button } from "../../ui/Button";
import { Kbd } from "../../ui/Kbd";
import styles from "./Queue.module.css";

interface QueueEditProps {
  text: string;
  onSave: (text: string) => void;
  onBack: () => void;
}

/** A waiting message as a text box: Enter saves, Shift+Enter breaks, Escape leaves it as it was. */
export function QueueEdit({ text, onSave, onBack }: QueueEditProps): ReactNode {
  const [words, setWords] = useState(text);
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => {
    const box = field.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
  }, [words]);
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(text.length, text.length);
  }, [text.length]);
  const keys = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") onBack();
    else if (event.key === "Enter" && !event.shiftKey) onSave(words.trim());
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <>
      <textarea ref={field} className={styles.edit} rows={1} value={words} aria-label="Change this message" onChange={(event) => setWords(event.target.value)} onKeyDown={keys} />
      <Button look="plain" onClick={() => onSave(words.trim())}>Save <Kbd keys="enter" /></Button>
      <Button look="quiet" onClick={onBack}>Leave it</Button>
    </>
  );
}
