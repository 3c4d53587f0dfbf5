import { useEffect, useRef } from "react";

export interface InboxKeys {
  /** Allow what is selected, or else the row with the keyboard. */
  allow(scope: "once" | "session", focused: string): void;
  deny(focused: string): void;
  select(focused: string): void;
  all(): void;
}

const CHORD_MS = 1_200;

/** y allows once, s for the session, n denies, x selects, * selects all. j and k move, as everywhere. */
export function useInboxKeys(keys: InboxKeys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    let gAt = 0;
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.repeat || isBusy(event.target)) return;
      const chord = event.timeStamp - gAt < CHORD_MS && gAt > 0;
      gAt = event.key === "g" ? event.timeStamp : 0;
      if (chord) return;
      const row = document.activeElement?.closest("li")?.querySelector<HTMLElement>("[data-key]");
      const focused = row?.dataset["key"] ?? "";
      const does: Record<string, () => void> = {
        y: () => latest.current.allow("once", focused),
        s: () => latest.current.allow("session", focused),
        n: () => latest.current.deny(focused),
        x: () => latest.current.select(focused),
        "*": () => latest.current.all(),
      };
      const act = does[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

function isBusy(target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open]")) return true;
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("textarea, select, input:not([type=checkbox])"));
}
