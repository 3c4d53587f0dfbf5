import { type KeyboardEvent, type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { Button } from "../../ui/Button";
import { Kbd } from "../../ui/Kbd";
import { type Edited, editable, parseEdited } from "../core/editing";
import type { Json } from "../core/frames";
import styles from "./EditInput.module.css";

interface EditInputProps {
  input: Json;
  busy: boolean;
  onAllow: (input: Json) => void;
  onBack: () => void;
}

/** What will happen, as text to change: a command as it is, anything else as JSON. Ctrl/⌘ Enter allows it so. */
export function EditInput({ input, busy, onAllow, onBack }: EditInputProps): ReactNode {
  const [{ text: first, as }] = useState(() => editable(input));
  const [text, setText] = useState(first);
  const field = useRef<HTMLTextAreaElement>(null);
  const result: Edited = parseEdited(input, as, text);
  useLayoutEffect(() => {
    const box = field.current;
    if (!box) return;
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight}px`;
  }, [text]);
  useLayoutEffect(() => field.current?.focus(), []);
  const allow = (): void => {
    if (result.input !== null && !busy) onAllow(result.input);
  };
  const keys = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") onBack();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) allow();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className={styles.edit}>
      <textarea
        ref={field}
        className={styles.text}
        rows={2}
        spellCheck={false}
        value={text}
        aria-label={as === "command" ? "The command, to be changed" : "The call's input as JSON, to be changed"}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={keys}
      />
      {result.problem !== "" && <p className={styles.problem} role="alert">{result.problem}</p>}
      <div className={styles.row}>
        <Button look="primary" disabled={result.input === null || busy} busy={busy} onClick={allow}>
          {text === first ? "Allow once" : "Allow once, as changed"} <Kbd keys="mod+enter" />
        </Button>
        <Button look="quiet" disabled={busy} onClick={onBack}>Back</Button>
      </div>
    </div>
  );
}
