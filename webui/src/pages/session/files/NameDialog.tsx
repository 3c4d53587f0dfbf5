import { type FormEvent, useEffect, useId, useRef, useState } from "react";
import { asProblem } from "../../../api/problem";
import { Button } from "../../../ui/Button";
import { Dialog } from "../../../ui/Dialog";
import { Input } from "../../../ui/Input";
import styles from "./NameDialog.module.css";
import { nameOf, problemOfPath } from "./paths";

interface NameDialogProps {
  title: string;
  verb: string;
  first: string;
  run(path: string): Promise<void>;
  onClose(): void;
}

/** Asks for a path, and stays open with the reason when it cannot be. */
export function NameDialog({ title, verb, first, run, onClose }: NameDialogProps) {
  const id = useId();
  const [path, setPath] = useState(first);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  // Not by autoFocus: that comes before the dialog is open.
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const wrong = problemOfPath(path);
    setProblem(wrong);
    if (wrong) return;
    setBusy(true);
    try {
      await run(path);
      onClose();
    } catch (error) {
      const { detail, hint } = asProblem(error);
      setProblem([detail, hint].filter(Boolean).join(" "));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" type="submit" form={id} busy={busy}>
            {verb}
          </Button>
        </>
      }
    >
      <form id={id} className={styles.form} onSubmit={(event) => void submit(event)}>
        <Input
          ref={field}
          mono
          aria-label="Path in the workspace"
          value={path}
          invalid={problem !== ""}
          onFocus={(event) => event.target.setSelectionRange(path.length - nameOf(path).length, path.length)}
          onChange={(event) => {
            setPath(event.target.value);
            setProblem("");
          }}
        />
        <p className={styles.note}>{problem ? <span role="alert" className={styles.problem}>{problem}</span> : "A path from the top; / stands between folders."}</p>
      </form>
    </Dialog>
  );
}
