import { useState } from "react";
import { useLocation } from "wouter";
import { type Problem, asProblem } from "../../api/problem";
import type { Session } from "../../api/types";
import { useSessions } from "../../stores/sessions";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import styles from "./DeleteDialog.module.css";
import { consequences } from "./consequences";

/** Asks once, and says what goes and what stays. */
export function DeleteDialog({ session, onClose }: { session: Session; onClose: () => void }) {
  const [location, go] = useLocation();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const { goes, stays } = consequences(session);
  const remove = async () => {
    setBusy(true);
    try {
      await useSessions.getState().act(session.id, "remove");
      onClose();
      if (location.startsWith(`/sessions/${session.id}`)) go("/sessions", { replace: true });
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={`Delete ${session.name}?`}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button look="danger" busy={busy} onClick={() => void remove()}>
            Delete
          </Button>
        </>
      }
    >
      <div className={styles.body}>
        <List title="Goes for good" items={goes} />
        <List title="Stays" items={stays} />
        {problem && (
          <p role="alert" className={styles.problem}>
            {problem.detail} {problem.hint}
          </p>
        )}
      </div>
    </Dialog>
  );
}

function List({ title, items }: { title: string; items: readonly string[] }) {
  if (items.length === 0) return null;
  return (
    <section>
      <h3 className={styles.title}>{title}</h3>
      <ul className={styles.list}>
        {items.map((item) => (
          <li key={item}>{item}</li>
        ))}
      </ul>
    </section>
  );
}
