import type { ReactNode } from "react";
import { classes } from "../../ui/classes";
import styles from "./ChoiceCard.module.css";

interface ChoiceCardProps {
  name: string;
  title: string;
  aside?: string;
  note?: ReactNode;
  checked: boolean;
  disabled?: boolean;
  onChoose(): void;
}

/** One of several, with a line that says what it means. */
export function ChoiceCard({ name, title, aside, note, checked, disabled = false, onChoose }: ChoiceCardProps) {
  return (
    <label className={classes(styles.card, checked && styles.checked, disabled && styles.disabled)}>
      <input type="radio" name={name} checked={checked} disabled={disabled} onChange={onChoose} className={styles.radio} />
      <span className={styles.title}>
        {title}
        {aside && <span className={styles.aside}>{aside}</span>}
      </span>
      {note && <span className={styles.note}>{note}</span>}
    </label>
  );
}
