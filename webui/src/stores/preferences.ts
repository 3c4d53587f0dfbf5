import { create } from "zustand";
import { persist } from "zustand/middleware";

export type Theme = "system" | "dark" | "light";
export type Density = "dense" | "roomy";

interface Preferences {
  theme: Theme;
  density: Density;
  /** Enter sends and Shift+Enter breaks the line; false: the other way round (Ctrl/⌘+Enter always sends). */
  enterSends: boolean;
  listWidth: number;
  inspectorOpen: boolean;
  /** Old beside new in the diffs, where there is room. */
  splitDiff: boolean;
  set(change: Partial<Omit<Preferences, "set">>): void;
}

/** What this browser remembers of its person. `public/theme.js` reads the same key before the first paint. */
export const usePreferences = create<Preferences>()(
  persist(
    (set) => ({
      theme: "system",
      density: "dense",
      enterSends: true,
      listWidth: 304,
      inspectorOpen: true,
      splitDiff: false,
      set: (change) => set(change),
    }),
    { name: "volundr.preferences", version: 1 },
  ),
);
