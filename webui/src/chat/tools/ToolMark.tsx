import { Ban, Check, X } from "lucide-react";
import type { ReactNode } from "react";
import { StateMark } from "../../ui/StateMark";
import type { ToolEntry } from "../core/view";
import styles from "./ToolLine.module.css";

/** How a call ended, as a shape; the word is read aloud. */
export function ToolMark({ state }: { state: ToolEntry["state"] }): ReactNode {
  return (
    <span className={styles.mark} data-state={state}>
      {state === "running" && <StateMark kind="working" />}
      {state === "waiting" && <StateMark kind="waiting" />}
      {state === "ok" && <Check aria-hidden />}
      {state === "failed" && <X aria-hidden />}
      {(state === "cut" || state === "denied") && <Ban aria-hidden />}
      <span className="visually-hidden">{WORDS[state]}</span>
    </span>
  );
}

const WORDS = { running: "running", waiting: "waiting for you", ok: "done", failed: "failed", denied: "not allowed", cut: "ended without a result" } as const;
