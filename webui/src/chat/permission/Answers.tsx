import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { Button } from "../../ui/Button";
import { Kbd } from "../../ui/Kbd";
import { useChat } from "../context";
import type { Deciding } from "../core/engine";
import type { Scope } from "../core/frames";
import type { PermissionEntry } from "../core/view";
import styles from "./Answers.module.css";

interface AnswersProps {
  permission: PermissionEntry;
  deciding: Deciding | undefined;
  /** Change the call before it is allowed; undefined where the agent does not take that. */
  onEdit: (() => void) | undefined;
}

const ALLOW = [
  { scope: "once", key: "y", word: "Allow once" },
  { scope: "session", key: "s", word: "For this session" },
  { scope: "always", key: "a", word: "Always" },
] as const satisfies readonly { scope: Scope; key: string; word: string }[];

/** y once, s session, a always, n no with an optional word to the agent. */
export function Answers({ permission, deciding, onEdit }: AnswersProps): ReactNode {
  const { decide } = useChat();
  const [denying, setDenying] = useState(false);
  const busy = deciding !== undefined && deciding.error === "";
  const allow = (scope: Scope): void => decide(permission.id, { decision: "allow", scope, message: "", input: null });
  const deny = (message: string): void => decide(permission.id, { decision: "deny", scope: "once", message, input: null });
  return (
    <div className={styles.answers}>
      {denying && !busy ? (
        <Deny onDeny={deny} onBack={() => setDenying(false)} />
      ) : (
        <div className={styles.row}>
          {ALLOW.filter(({ scope }) => permission.scopes.includes(scope)).map(({ scope, key, word }) => (
            <Button
              key={scope}
              look={scope === "once" ? "primary" : "plain"}
              data-answer={key}
              aria-keyshortcuts={key}
              disabled={busy}
              busy={busy && deciding.decision === "allow" && deciding.scope === scope}
              onClick={() => allow(scope)}
            >
              {word} <Kbd keys={key} />
            </Button>
          ))}
          {onEdit && <Button look="quiet" data-answer="e" aria-keyshortcuts="e" disabled={busy} onClick={onEdit}>Edit … <Kbd keys="e" /></Button>}
          <Button
            look="quiet"
            data-answer="n"
            aria-keyshortcuts="n"
            className={styles.no}
            disabled={busy}
            busy={busy && deciding.decision === "deny"}
            onClick={() => setDenying(true)}
          >
            Deny … <Kbd keys="n" />
          </Button>
        </div>
      )}
      {busy && <p className={styles.note} role="status">Sending your answer …</p>}
      {deciding !== undefined && deciding.error !== "" && (
        <p className={styles.error} role="alert">Your answer was not taken: {deciding.error}</p>
      )}
    </div>
  );
}

function Deny({ onDeny, onBack }: { onDeny: (message: string) => void; onBack: () => void }): ReactNode {
  const field = useRef<HTMLInputElement>(null);
  const [word, setWord] = useState("");
  useEffect(() => field.current?.focus(), []);
  const keys = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && !event.nativeEvent.isComposing) {
      event.preventDefault();
      onDeny(word.trim());
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      onBack();
    }
  };
  return (
    <div className={styles.row}>
      <input
        ref={field}
        className={styles.word}
        value={word}
        placeholder="What should it do instead? (optional)"
        aria-label="A word to the agent"
        onChange={(event) => setWord(event.target.value)}
        onKeyDown={keys}
      />
      <Button look="danger" onClick={() => onDeny(word.trim())}>Deny <Kbd keys="enter" /></Button>
      <Button look="quiet" onClick={onBack}>Back</Button>
    </div>
  );
}
