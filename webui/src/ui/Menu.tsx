import { type KeyboardEvent, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { IconButton } from "./IconButton";
import { Kbd } from "./Kbd";
import styles from "./Menu.module.css";
import { classes } from "./classes";
import { place } from "./place";

export interface MenuItem {
  label: string;
  icon?: ReactNode;
  keys?: string;
  danger?: boolean;
  disabled?: boolean;
  run(): void;
}

interface MenuProps {
  label: string;
  icon: ReactNode;
  items: readonly (MenuItem | "line")[];
}

/** An icon that opens a list of actions. Arrow keys move, Enter runs, Escape closes. */
export function Menu({ label, icon, items }: MenuProps) {
  const anchor = useRef<HTMLSpanElement>(null);
  const [open, setOpen] = useState(false);
  const close = () => {
    setOpen(false);
    anchor.current?.querySelector("button")?.focus();
  };
  return (
    <span ref={anchor} className={styles.anchor}>
      <IconButton label={label} icon={icon} aria-haspopup="menu" aria-expanded={open} onClick={() => setOpen(!open)} />
      {open && <List anchor={anchor} label={label} items={items} close={close} dismiss={() => setOpen(false)} />}
    </span>
  );
}

interface ListProps {
  anchor: React.RefObject<HTMLElement | null>;
  label: string;
  items: MenuProps["items"];
  close(): void;
  dismiss(): void;
}

function List({ anchor, label, items, close, dismiss }: ListProps) {
  const list = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    list.current?.showPopover?.();
    if (list.current && anchor.current) place(list.current, anchor.current.getBoundingClientRect(), "below-end");
    list.current?.querySelector<HTMLElement>("button:not(:disabled)")?.focus();
  }, [anchor]);
  useEffect(() => {
    const outside = (event: PointerEvent) => {
      const target = event.target as Node;
      if (!list.current?.contains(target) && !anchor.current?.contains(target)) dismiss();
    };
    window.addEventListener("pointerdown", outside, true);
    window.addEventListener("resize", dismiss);
    return () => {
      window.removeEventListener("pointerdown", outside, true);
      window.removeEventListener("resize", dismiss);
    };
  }, [anchor, dismiss]);
  return createPortal(
    <div ref={list} popover="manual" role="menu" aria-label={label} className={styles.menu} onKeyDown={(event) => move(event, close)}>
      {items.map((item, index) =>
        item === "line" ? (
          <hr key={index} className={styles.line} />
        ) : (
          <button
            key={index}
            type="button"
            role="menuitem"
            disabled={item.disabled}
            className={classes(styles.item, item.danger && styles.danger)}
            onClick={() => {
              close();
              item.run();
            }}
          >
            {item.icon}
            <span className={styles.label}>{item.label}</span>
            {item.keys && <Kbd keys={item.keys} />}
          </button>
        ),
      )}
    </div>,
    document.body,
  );
}

function move(event: KeyboardEvent<HTMLElement>, close: () => void): void {
  event.stopPropagation();
  if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    close();
    return;
  }
  const buttons = [...event.currentTarget.querySelectorAll<HTMLButtonElement>("button:not(:disabled)")];
  const now = buttons.indexOf(document.activeElement as HTMLButtonElement);
  const next = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  buttons.at(next % buttons.length)?.focus();
}
