import { Search } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import type { Session } from "../api/types";
import { useSessions } from "../stores/sessions";
import { stateOf } from "../stores/state";
import { grouped } from "../stores/grouping";
import { Dialog } from "../ui/Dialog";
import { Kbd } from "../ui/Kbd";
import { StateMark } from "../ui/StateMark";
import { classes } from "../ui/classes";
import { sourceName } from "../ui/words";
import styles from "./CommandPalette.module.css";
import { actionsFor } from "./actions";
import { score } from "./search";
import { useCurrentSession } from "./useCurrentSession";

interface Entry {
  id: string;
  label: string;
  note: string;
  mark?: ReactNode;
  keys?: string | undefined;
  run(): void;
}

const SHOWN = 60;

/** Finds sessions and everything that can be done; type, arrow keys, Enter. */
export function CommandPalette({ onClose }: { onClose: () => void }) {
  const [, go] = useLocation();
  const byId = useSessions((state) => state.byId);
  const session = useCurrentSession();
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  const entries = useMemo(() => find(byId, session, go, query), [byId, session, go, query]);
  const chosen = Math.min(at, entries.length - 1);
  useEffect(() => void list.current?.children[chosen]?.scrollIntoView({ block: "nearest" }), [chosen]);
  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.run();
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((chosen + step + entries.length) % Math.max(1, entries.length));
    else if (event.key === "Enter" && !event.nativeEvent.isComposing) run(entries[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Commands" bare wide onClose={onClose}>
      <div className={styles.box}>
        <Search aria-hidden />
        <input
          autoFocus
          role="combobox"
          aria-expanded
          aria-controls={id}
          aria-activedescendant={`${id}-${chosen}`}
          aria-label="Find a session or a command"
          className={styles.input}
          placeholder="Find a session or a command"
          spellCheck={false}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setAt(0);
          }}
          onKeyDown={press}
        />
        <Kbd keys="esc" />
      </div>
      <ul ref={list} id={id} role="listbox" aria-label="Results" className={styles.list}>
        {entries.map((entry, index) => (
          <li
            key={entry.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === chosen}
            className={classes(styles.entry, index === chosen && styles.chosen)}
            onPointerMove={() => setAt(index)}
            onClick={() => run(entry)}
          >
            <span className={styles.mark}>{entry.mark}</span>
            <span className={styles.label}>{entry.label}</span>
            <span className={styles.note}>{entry.note}</span>
            {entry.keys && <Kbd keys={entry.keys} />}
          </li>
        ))}
        {entries.length === 0 && <li className={styles.none}>Nothing is called that.</li>}
      </ul>
    </Dialog>
  );
}

function find(byId: ReadonlyMap<string, Session>, session: Session | undefined, go: (path: string) => void, query: string): Entry[] {
  const actions = actionsFor(session, go).map((action): Entry => ({ id: action.id, label: action.label, note: "", keys: action.keys, run: action.run }));
  const sessions = grouped(byId.values()).flatMap((group) => group.sessions.map((each) => entryOf(each, go)));
  const all = query ? [...sessions, ...actions] : [...actions.slice(0, 1), ...sessions, ...actions.slice(1)];
  return all
    .map((entry) => ({ entry, points: score(`${entry.label} ${entry.note}`, query) }))
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points)
    .slice(0, SHOWN)
    .map(({ entry }) => entry);
}

function entryOf(session: Session, go: (path: string) => void): Entry {
  const state = stateOf(session);
  return {
    id: session.id,
    label: session.name,
    note: `${state.word} · ${sourceName(session.source)}`,
    mark: <StateMark kind={state.kind} />,
    run: () => go(`/sessions/${session.id}`),
  };
}
