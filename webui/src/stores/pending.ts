import { create } from "zustand";
import { type Problem, asProblem } from "../api/problem";
import { ports } from "../ports";
import type { Pending, Verdict } from "../ports/permissions";

/** An answer on its way, or why it was not taken. */
export interface Answering {
  decision: Verdict["decision"];
  error: string;
}

interface PendingStore {
  items: readonly Pending[];
  loaded: boolean;
  /** This forge has no such list: what waits is known only by session. */
  absent: boolean;
  problem: Problem | undefined;
  answering: ReadonlyMap<string, Answering>;
  load(): Promise<void>;
  /** Give all of these the same answer, each on its own: one that fails holds up no other. Returns how many were taken. */
  decide(items: readonly Pending[], verdict: Verdict): Promise<number>;
}

export const keyOf = ({ session_id, id }: Pick<Pending, "session_id" | "id">): string => `${session_id} ${id}`;

let round = 0;

/** What waits for a person, over all sessions. */
export const usePending = create<PendingStore>()((set, get) => {
  const note = (key: string, answering: Answering | undefined) => {
    const all = new Map(get().answering);
    if (answering) all.set(key, answering);
    else all.delete(key);
    set({ answering: all });
  };

  async function answer(item: Pending, verdict: Verdict): Promise<boolean> {
    const key = keyOf(item);
    if (get().answering.get(key)?.error === "") return false;
    note(key, { decision: verdict.decision, error: "" });
    try {
      await ports().permissions.decide(item.session_id, item.id, verdict);
      round += 1; // A list that was asked for before this answer may still have it.
      set({ items: get().items.filter((one) => keyOf(one) !== key) });
      note(key, undefined);
      return true;
    } catch (error) {
      const { detail, hint } = asProblem(error);
      note(key, { decision: verdict.decision, error: [detail, hint].filter(Boolean).join(" ") });
      return false;
    }
  }

  return {
    items: [],
    loaded: false,
    absent: false,
    problem: undefined,
    answering: new Map(),

    async load() {
      const mine = ++round;
      try {
        const items = await ports().permissions.pending();
        if (mine !== round) return;
        const open = new Set(items.map(keyOf));
        const answering = new Map([...get().answering].filter(([key]) => open.has(key)));
        set({ items, answering, loaded: true, absent: false, problem: undefined });
      } catch (error) {
        const problem = asProblem(error);
        if (mine === round) set(problem.status === 404 ? { absent: true, loaded: true, items: [] } : { problem });
      }
    },

    async decide(items, verdict) {
      const allowed = items.filter((item) => verdict.decision === "deny" || item.scopes.includes(verdict.scope));
      const taken = await Promise.all(allowed.map((item) => answer(item, verdict)));
      void get().load();
      return taken.filter(Boolean).length;
    },
  };
});
