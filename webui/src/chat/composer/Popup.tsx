import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import { createPortal } from "react-dom";
import { place } from "../../ui/place";
import styles from "./Choices.module.css";

interface PopupProps {
  anchor: RefObject<HTMLElement | null>;
  label: string;
  onClose: () => void;
  /** Closed by looking elsewhere: the keyboard stays where it went. */
  onDismiss: () => void;
  children: ReactNode;
}

/** A list over the page, above its anchor; it has the keyboard while it is open. */
export function Popup({ anchor, label, onClose, onDismiss, children }: PopupProps): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    box.current?.showPopover?.();
    if (box.current && anchor.current) place(box.current, anchor.current.getBoundingClientRect(), "above");
    const first = box.current?.querySelector<HTMLElement>('[aria-checked="true"]') ?? box.current?.querySelector<HTMLElement>("button");
    first?.focus();
  }, [anchor]);
  useEffect(() => {
    const outside = (event: PointerEvent): void => {
      const target = event.target as Node;
      if (!box.current?.contains(target) && !anchor.current?.contains(target)) onDismiss();
    };
    window.addEventListener("pointerdown", outside, true);
    return () => window.removeEventListener("pointerdown", outside, true);
  }, [anchor, onDismiss]);
  return createPortal(
    <div ref={box} popover="manual" role="menu" aria-label={label} className={styles.menu} onKeyDown={(event) => move(event, onClose)}>
      {children}
    </div>,
    document.body,
  );
}

function move(event: KeyboardEvent<HTMLElement>, close: () => void): void {
  event.stopPropagation();
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    return close();
  }
  const buttons = [...event.currentTarget.querySelectorAll<HTMLButtonElement>("button:not(:disabled)")];
  const now = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const next = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  buttons.at(next % buttons.length)?.focus();
}
