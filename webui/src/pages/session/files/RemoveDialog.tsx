import { useState } from "react";
import { asProblem } from "../../../api/problem";
import type { Entry } from "../../../ports/workspace";
import { Button } from "../../../ui/Button";
import { Dialog } from "../../../ui/Dialog";
import styles from "./NameDialog.module.css";

/** Asks once before a file or a folder goes. */
export function RemoveDialog({ entry, run, onClose }: { entry: Entry; run(): Promise<void>; onClose(): void }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const remove = async () => {
    setBusy(true);
    try {
      await run();
      onClose();
    } catch (error) {
      const { detail, hint } = asProblem(error);
      setProblem([detail, hint].filter(Boolean).join(" "));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={`Delete ${entry.name}?`}
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
      <div className={styles.form}>
        <p>
          <code>{entry.path}</code> {entry.kind === "folder" ? "and everything in it goes for good." : "goes for good."} What git knows of it stays in git.
        </p>
        {problem && (
          <p role="alert" className={styles.problem}>
            {problem}
          </p>
        )}
      </div>
    </Dialog>
  );
}
