import { type KeyboardEvent, useState } from "react";
import type { Pending, Verdict } from "../../ports/permissions";
import { Button } from "../../ui/Button";
import { Input } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { scopesOf } from "./answers";
import styles from "./Pending.module.css";

interface SelectionProps {
  items: readonly Pending[];
  all: boolean;
  /** How many could be selected. */
  most: number;
  denying: boolean;
  onDeny(on: boolean): void;
  onAll(): void;
  onDecide(verdict: Verdict): void;
}

/** What is selected, and one answer for all of it. */
export function Selection({ items, all, most, denying, onDeny, onAll, onDecide }: SelectionProps) {
  const count = items.length;
  const wider = scopesOf(items);
  const allow = (scope: Verdict["scope"]) => onDecide({ decision: "allow", scope, message: "" });
  if (denying && count > 0) return <Deny count={count} onBack={() => onDeny(false)} onDeny={(message) => onDecide({ decision: "deny", scope: "once", message })} />;
  return (
    <div className={styles.bar} role="toolbar" aria-label="Answer what is selected">
      <label className={styles.every}>
        <input type="checkbox" checked={all && most > 0} disabled={most === 0} onChange={onAll} />
        <span>{count === 0 ? "Select all" : `${count} selected`}</span>
        <Kbd keys="*" />
      </label>
      {count > 0 && (
        <>
          <Button look="primary" onClick={() => allow("once")}>Allow {count} once <Kbd keys="y" /></Button>
          {wider.includes("session") && <Button onClick={() => allow("session")}>For their session <Kbd keys="s" /></Button>}
          <Button look="quiet" onClick={() => onDeny(true)}>Deny … <Kbd keys="n" /></Button>
        </>
      )}
    </div>
  );
}

function Deny({ count, onBack, onDeny }: { count: number; onBack(): void; onDeny(message: string): void }) {
  const [word, setWord] = useState("");
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter") onDeny(word.trim());
    else if (event.key === "Escape") onBack();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div className={styles.bar}>
      <Input autoFocus aria-label="A word to the agent" placeholder="What should it do instead? (optional)" value={word} onChange={(event) => setWord(event.target.value)} onKeyDown={press} />
      <Button look="danger" onClick={() => onDeny(word.trim())}>Deny {count} <Kbd keys="enter" /></Button>
      <Button look="quiet" onClick={onBack}>Back</Button>
    </div>
  );
}
