import type { ReactNode } from "react";
import type { Json } from "../core/frames";
import styles from "./Fields.module.css";

/** A call's input, name by name. */
export function Fields({ input, without = [] }: { input: Json; without?: readonly string[] }): ReactNode {
  const fields = Object.entries(input).filter(([name, value]) => !without.includes(name) && value !== null && value !== "");
  if (fields.length === 0) return null;
  return (
    <dl className={styles.fields}>
      {fields.map(([name, value]) => (
        <div key={name} className={styles.field}>
          <dt>{name.replaceAll("_", " ")}</dt>
          <dd>{typeof value === "string" ? value : JSON.stringify(value, null, 2)}</dd>
        </div>
      ))}
    </dl>
  );
}
