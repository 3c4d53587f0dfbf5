import { useEffect } from "react";
import { useLocation } from "wouter";
import { useLayers } from "../stores/layers";
import { actionsFor } from "./actions";
import { useCurrentSession } from "./useCurrentSession";

const CHORD_MS = 1200;

/** Keys that work anywhere but in a text box or a dialog; ⌘K works there too. */
export function useShortcuts(): void {
  const [, go] = useLocation();
  const session = useCurrentSession();
  useEffect(() => {
    let first = "";
    let at = 0;
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return;
      if ((event.metaKey || event.ctrlKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        const { layer, open } = useLayers.getState();
        return open(layer === "palette" ? undefined : "palette");
      }
      if (event.metaKey || event.ctrlKey || event.altKey || isBusy(event.target)) return;
      const chord = first && event.timeStamp - at < CHORD_MS ? `${first} ${event.key}` : event.key;
      first = event.key === "g" ? "g" : "";
      at = event.timeStamp;
      if (move(event.key) || focusFilter(event.key)) return event.preventDefault();
      const action = actionsFor(session, go).find((candidate) => candidate.keys === chord);
      if (!action) return;
      event.preventDefault();
      action.run();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [go, session]);
}

function isBusy(target: EventTarget | null): boolean {
  if (document.querySelector("dialog[open]")) return true;
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}

/** j and k move through the list; Enter then opens, for a row is a link. */
function move(key: string): boolean {
  if (key !== "j" && key !== "k") return false;
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  if (rows.length === 0) return false;
  const focused = rows.indexOf(document.activeElement as HTMLElement);
  const current = focused >= 0 ? focused : rows.findIndex((row) => row.getAttribute("aria-current") === "page");
  const next = current < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, current + (key === "j" ? 1 : -1)));
  rows[next]?.focus();
  rows[next]?.scrollIntoView({ block: "nearest" });
  return true;
}

function focusFilter(key: string): boolean {
  const filter = key === "/" ? document.querySelector<HTMLInputElement>("[data-filter]") : null;
  filter?.focus();
  return filter !== null;
}
