import { type KeyboardEvent, type ReactNode, useState } from "react";
import { Button } from "../../ui/Button";
import { Kbd } from "../../ui/Kbd";
import { useChat } from "../context";
import type { Deciding } from "../core/engine";
import type { PermissionEntry } from "../core/view";
import styles from "./Answers.module.css";

interface PlanAnswersProps {
  permission: PermissionEntry;
  deciding: Deciding | undefined;
}

/** y: do it, s: do it and do not ask about each file, n: go on planning, with a word on what to change. */
export function PlanAnswers({ permission: { id, scopes }, deciding }: PlanAnswersProps): ReactNode {
  const { decide } = useChat();
  const [word, setWord] = useState("");
  const busy = deciding !== undefined && deciding.error === "";
  const approve = (scope: "once" | "session"): void => decide(id, { decision: "allow", scope, message: "", input: null });
  const refuse = (): void => decide(id, { decision: "deny", scope: "once", message: word.trim(), input: null });
  const keys = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.nativeEvent.isComposing || word.trim() === "") return;
    event.preventDefault();
    refuse();
  };
  return (
    <div className={styles.answers}>
      <div className={styles.row}>
        <Button look="primary" data-answer="y" aria-keyshortcuts="y" disabled={busy} busy={busy && deciding.decision === "allow" && deciding.scope === "once"} onClick={() => approve("once")}>
          Approve <Kbd keys="y" />
        </Button>
        {scopes.includes("session") && (
          <Button data-answer="s" aria-keyshortcuts="s" disabled={busy} busy={busy && deciding.decision === "allow" && deciding.scope === "session"} onClick={() => approve("session")}>
            Approve and accept edits <Kbd keys="s" />
          </Button>
        )}
      </div>
      <div className={styles.row}>
        <input
          className={styles.word}
          value={word}
          disabled={busy}
          placeholder="What should the plan do otherwise? (optional)"
          aria-label="A word on the plan"
          onChange={(event) => setWord(event.target.value)}
          onKeyDown={keys}
        />
        <Button look="quiet" data-answer="n" aria-keyshortcuts="n" disabled={busy} busy={busy && deciding.decision === "deny"} onClick={refuse}>
          Keep planning <Kbd keys="n" />
        </Button>
      </div>
      {busy && <p className={styles.note} role="status">Sending your answer …</p>}
      {deciding !== undefined && deciding.error !== "" && <p className={styles.error} role="alert">Your answer was not taken: {deciding.error}</p>}
    </div>
  );
}
