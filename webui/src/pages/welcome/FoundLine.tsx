import { Check, Minus } from "lucide-react";
import type { Tool } from "../../api/types";
import { classes } from "../../ui/classes";
import styles from "./FoundLine.module.css";

export function FoundLine({ name, tool }: { name: string; tool: Tool }) {
  return (
    <li className={classes(styles.line, !tool.available && styles.missing)}>
      {tool.available ? <Check className={styles.yes} aria-label="found" /> : <Minus className={styles.no} aria-label="not usable" />}
      <span className={styles.name}>{name}</span>
      <span className={styles.words}>
        {tool.problem || tool.version}
        {tool.hint && <span className={styles.hint}> {tool.hint}</span>}
      </span>
    </li>
  );
}
