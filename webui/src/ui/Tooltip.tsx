import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { Kbd } from "./Kbd";
import styles from "./Tooltip.module.css";
import { place } from "./place";

interface TooltipProps {
  text: ReactNode;
  keys?: string | undefined;
  children: ReactNode;
  className?: string | undefined;
}

/** A word about what it wraps, on hover and on keyboard focus. Only ever repeats what a label says too: touch has no hover. */
export function Tooltip({ text, keys, children, className }: TooltipProps) {
  const anchor = useRef<HTMLSpanElement>(null);
  const [open, setOpen] = useState(false);
  return (
    <span
      ref={anchor}
      className={className ?? styles.anchor}
      onPointerEnter={(event) => event.pointerType === "mouse" && setOpen(true)}
      onPointerLeave={() => setOpen(false)}
      onPointerDown={() => setOpen(false)}
      onFocus={(event) => event.target.matches(":focus-visible") && setOpen(true)}
      onBlur={() => setOpen(false)}
      onKeyDown={(event) => event.key === "Escape" && setOpen(false)}
    >
      {children}
      {open && <Bubble anchor={anchor} text={text} keys={keys} />}
    </span>
  );
}

function Bubble({ anchor, text, keys }: { anchor: React.RefObject<HTMLElement | null>; text: ReactNode; keys?: string | undefined }) {
  const bubble = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    bubble.current?.showPopover?.();
    if (bubble.current && anchor.current) place(bubble.current, anchor.current.getBoundingClientRect(), "below");
  }, [anchor]);
  return createPortal(
    <div ref={bubble} popover="manual" role="tooltip" className={styles.bubble}>
      {text}
      {keys && <Kbd keys={keys} />}
    </div>,
    document.body,
  );
}
