import { X } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import styles from "./Dialog.module.css";
import { IconButton } from "./IconButton";
import { classes } from "./classes";

interface DialogProps {
  title: string;
  /** The title is there for screen readers only. */
  bare?: boolean;
  wide?: boolean;
  footer?: ReactNode;
  onClose(): void;
  children: ReactNode;
  className?: string | undefined;
}

/** A modal over everything. Mounted is open; Escape and a click beside it close it, and focus goes back where it was. */
export function Dialog({ title, bare = false, wide = false, footer, onClose, children, className }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal?.();
    // The browser picks the first button, which is "Close": nobody opens a dialog for that one.
    if (document.activeElement?.closest("header")) element?.focus();
    return () => {
      element?.close?.();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      tabIndex={-1}
      aria-label={title}
      className={classes(styles.dialog, wide && styles.wide, className)}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => event.target === dialog.current && onClose()}
    >
      <div className={styles.body}>
        {!bare && (
          <header className={styles.header}>
            <h2 className={styles.title}>{title}</h2>
            <IconButton label="Close" keys="esc" icon={<X />} onClick={onClose} />
          </header>
        )}
        {children}
        {footer && <footer className={styles.footer}>{footer}</footer>}
      </div>
    </dialog>
  );
}
