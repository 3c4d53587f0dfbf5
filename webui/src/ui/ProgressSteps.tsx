import { Check } from "lucide-react";
import styles from "./ProgressSteps.module.css";
import { StateMark } from "./StateMark";
import { classes } from "./classes";

export interface Step {
  label: string;
  state: "done" | "now" | "next" | "failed";
}

/** What is being done, step by step, so that a wait always says what it waits for. */
export function ProgressSteps({ steps }: { steps: readonly Step[] }) {
  return (
    <ol className={styles.steps} aria-live="polite">
      {steps.map((step) => (
        <li key={step.label} className={classes(styles.step, styles[step.state])} aria-current={step.state === "now" ? "step" : undefined}>
          <span className={styles.mark}>
            {step.state === "done" && <Check aria-label="done" />}
            {step.state === "now" && <StateMark kind="working" />}
            {step.state === "failed" && <StateMark kind="failed" />}
            {step.state === "next" && <span className={styles.dot} />}
          </span>
          {step.label}
        </li>
      ))}
    </ol>
  );
}
