import type { ButtonHTMLAttributes, ReactNode } from "react";
import styles from "./IconButton.module.css";
import { Tooltip } from "./Tooltip";
import { classes } from "./classes";

interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children" | "title"> {
  label: string;
  icon: ReactNode;
  keys?: string;
  pressed?: boolean;
}

/** An icon that does something. Its label is read aloud, and shown on hover and focus with the keys that do the same. */
export function IconButton({ label, icon, keys, pressed, className, type = "button", ...rest }: IconButtonProps) {
  return (
    <Tooltip text={label} keys={keys}>
      <button
        {...rest}
        type={type}
        aria-label={label}
        aria-pressed={pressed}
        className={classes(styles.button, pressed && styles.pressed, className)}
      >
        {icon}
      </button>
    </Tooltip>
  );
}
