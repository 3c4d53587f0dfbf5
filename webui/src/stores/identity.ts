import { create } from "zustand";
import { type Problem, asProblem } from "../api/problem";
import type { Me } from "../api/types";
import { ports } from "../ports";

interface Identity {
  me: Me | undefined;
  /** Nobody is signed in: only the login page makes sense. */
  denied: boolean;
  /** Why we do not know, when the forge could not be asked. */
  problem: Problem | undefined;
  load(): Promise<void>;
  login(code: string): Promise<void>;
  logout(): Promise<void>;
  deny(): void;
}

/** Who this browser is. */
export const useIdentity = create<Identity>()((set, get) => ({
  me: undefined,
  denied: false,
  problem: undefined,
  async load() {
    try {
      set({ me: await ports().identity.me(), denied: false, problem: undefined });
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status === 401) set({ me: undefined, denied: true, problem: undefined });
      else set({ problem });
    }
  },
  async login(code) {
    await ports().identity.login(code);
    await get().load();
  },
  async logout() {
    await ports().identity.logout();
    set({ me: undefined, denied: true });
  },
  deny: () => set({ me: undefined, denied: true }),
}));
