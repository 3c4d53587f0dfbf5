import type { ReactNode } from "react";
import { Coloured } from "./Coloured";
import styles from "./Command.module.css";

/** A command as it will run (or ran), whole and in colour. */
export function Command({ text, large = false }: { text: string; large?: boolean }): ReactNode {
  return (
    <pre className={styles.command} data-large={large} tabIndex={0} aria-label="Command">
      <code><Coloured code={text} language="bash" /></code>
    </pre>
  );
}
