import type { InputHTMLAttributes, Ref } from "react";
import styles from "./Input.module.css";
import { classes } from "./classes";

interface InputProps extends InputHTMLAttributes<HTMLInputElement> {
  invalid?: boolean;
  mono?: boolean;
  ref?: Ref<HTMLInputElement>;
}

export function Input({ invalid = false, mono = false, className, ...rest }: InputProps) {
  return (
    <input
      spellCheck={false}
      autoComplete="off"
      autoCapitalize="off"
      {...rest}
      aria-invalid={invalid || undefined}
      className={classes(styles.input, mono && styles.mono, className)}
    />
  );
}
