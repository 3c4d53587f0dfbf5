import { create } from "zustand";
import { type Problem, asProblem } from "../api/problem";
import type { System } from "../api/types";
import { ports } from "../ports";

interface SystemState {
  system: System | undefined;
  problem: Problem | undefined;
  load(): Promise<void>;
}

/** What the forge's machine has to offer. */
export const useSystem = create<SystemState>()((set) => ({
  system: undefined,
  problem: undefined,
  async load() {
    try {
      set({ system: await ports().system.system(), problem: undefined });
    } catch (error) {
      set({ problem: asProblem(error) });
    }
  },
}));
