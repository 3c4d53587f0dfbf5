import { type ReactNode, useId } from "react";
import type { Problem } from "../../api/problem";
import styles from "./Field.module.css";

interface FieldProps {
  label: string;
  optional?: boolean;
  note?: string;
  problem?: Problem | string | undefined;
  children(props: { id: string; invalid: boolean; "aria-describedby": string }): ReactNode;
}

/** A label, its field, and below it what is wrong, or else what it is for. */
export function Field({ label, optional = false, note, problem, children }: FieldProps) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id} className={styles.label}>
        {label}
        {optional && <span className={styles.optional}> optional</span>}
      </label>
      {children({ id, invalid: Boolean(problem), "aria-describedby": `${id}-note` })}
      <div id={`${id}-note`} className={styles.below}>
        {problem ? <Wrong problem={problem} /> : note && <p className={styles.note}>{note}</p>}
      </div>
    </div>
  );
}

export function Wrong({ problem }: { problem: Problem | string }) {
  const words = typeof problem === "string" ? { detail: problem, hint: "" } : problem;
  return (
    <p role="alert" className={styles.wrong}>
      {words.detail}
      {words.hint && <span className={styles.hint}> {words.hint}</span>}
    </p>
  );
}
