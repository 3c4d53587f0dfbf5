import { create } from "zustand";

/** What lies over the page; one at a time. */
export type Layer = "palette" | "help" | "new" | "demo" | undefined;

interface Layers {
  layer: Layer;
  /** The session about to be deleted, or about to be renamed. */
  deleting: string | undefined;
  renaming: string | undefined;
  open(layer: Layer): void;
  askDelete(id: string | undefined): void;
  rename(id: string | undefined): void;
}

export const useLayers = create<Layers>()((set) => ({
  layer: undefined,
  deleting: undefined,
  renaming: undefined,
  open: (layer) => set({ layer }),
  askDelete: (deleting) => set({ deleting, layer: undefined }),
  rename: (renaming) => set({ renaming, layer: undefined }),
}));
