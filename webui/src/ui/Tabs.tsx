import type { KeyboardEvent, ReactNode } from "react";
import styles from "./Tabs.module.css";
import { classes } from "./classes";

export interface Tab<Id extends string> {
  id: Id;
  label: string;
  count?: ReactNode;
}

interface TabsProps<Id extends string> {
  label: string;
  tabs: readonly Tab<Id>[];
  current: Id;
  onChange(id: Id): void;
  look?: "line" | "segments";
}

/** One of several. `line` for the views of a page, `segments` for a choice in a form. */
export function Tabs<Id extends string>({ label, tabs, current, onChange, look = "line" }: TabsProps<Id>) {
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = tabs.at((tabs.findIndex((tab) => tab.id === current) + step) % tabs.length);
    if (!next) return;
    onChange(next.id);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-tab="${next.id}"]`)?.focus();
  };
  return (
    <div role="tablist" aria-label={label} className={styles[look]} onKeyDown={move}>
      {tabs.map((tab) => (
        <button
          key={tab.id}
          type="button"
          role="tab"
          data-tab={tab.id}
          aria-selected={tab.id === current}
          tabIndex={tab.id === current ? 0 : -1}
          className={classes(styles.tab, tab.id === current && styles.current)}
          onClick={() => onChange(tab.id)}
        >
          {tab.label}
          {tab.count !== undefined && <span className={styles.count}>{tab.count}</span>}
        </button>
      ))}
    </div>
  );
}
