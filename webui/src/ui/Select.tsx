import { ChevronDown } from "lucide-react";
import type { SelectHTMLAttributes } from "react";
import styles from "./Select.module.css";
import { classes } from "./classes";

/** The browser's own select (a phone's wheel is better than anything we would draw), dressed as our input. */
export function Select({ className, children, ...rest }: SelectHTMLAttributes<HTMLSelectElement>) {
  return (
    <span className={classes(styles.frame, className)}>
      <select {...rest} className={styles.select}>
        {children}
      </select>
      <ChevronDown className={styles.mark} aria-hidden />
    </span>
  );
}
