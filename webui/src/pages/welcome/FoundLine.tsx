import { Check, Minus } from "lucide-react";
import { classes } from "../../ui/classes";
import styles from "./FoundLine.module.css";

interface FoundLineProps {
  name: string;
  found: boolean;
  words: string;
  hint: string;
}

export function FoundLine({ name, found, words, hint }: FoundLineProps) {
  return (
    <li className={classes(styles.line, !found && styles.missing)}>
      {found ? <Check className={styles.yes} aria-label="found" /> : <Minus className={styles.no} aria-label="not usable" />}
      <span className={styles.name}>{name}</span>
      <span className={styles.words}>
        {words}
        {hint && <span className={styles.hint}> {hint}</span>}
      </span>
    </li>
  );
}
