import { useSyncExternalStore } from "react";

/** Whether the window is like that now. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (listener) => {
      const list = window.matchMedia(query);
      list.addEventListener("change", listener);
      return () => list.removeEventListener("change", listener);
    },
    () => window.matchMedia(query).matches,
  );
}

/** The three layouts of the design. */
export const WIDE = "(min-width: 1100px)";
export const NARROW = "(max-width: 699px)";
