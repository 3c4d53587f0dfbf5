import { Check, Copy as CopyIcon } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import styles from "./CodeBlock.module.css";

const THANKS_MS = 1_500;

export function Copy({ text, what }: { text: string; what: string }): ReactNode {
  const [state, setState] = useState<"idle" | "done" | "failed">("idle");
  useEffect(() => {
    if (state === "idle") return;
    const timer = window.setTimeout(() => setState("idle"), THANKS_MS);
    return () => window.clearTimeout(timer);
  }, [state]);
  const label = state === "done" ? "Copied" : state === "failed" ? "The browser does not allow it" : what;
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setState("done"),
      () => setState("failed"),
    );
  };
  return (
    <button type="button" className={styles.action} aria-label={label} title={label} onClick={copy}>
      {state === "done" ? <Check aria-hidden /> : <CopyIcon aria-hidden />}
    </button>
  );
}
