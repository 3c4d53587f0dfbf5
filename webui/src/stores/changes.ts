import { useEffect } from "react";
import { create } from "zustand";
import { type Problem, asProblem } from "../api/problem";
import type { Session } from "../api/types";
import { ports } from "../ports";
import type { Changes } from "../ports/workspace";

export const LAST_COMMIT = "last_commit";
export const DEFAULT_BRANCH = "default_branch";

const SETTLE_MS = 700;
const WORKING_MS = 8_000;

export interface Known {
  against: string;
  report?: Changes | undefined;
  problem?: Problem | undefined;
  /** Grows with each answer: whoever shows a file's patch asks for it again. */
  version: number;
  busy: boolean;
}

interface ChangesState {
  of: ReadonlyMap<string, Known>;
  against(session: string, against: string): void;
  refresh(session: string): Promise<void>;
}

const NOTHING: Known = { against: LAST_COMMIT, version: 0, busy: false };
const again = new Set<string>();

/** What each open session changed. One question at a time for each; a wish while one is under way asks once more after it. */
export const useChanges = create<ChangesState>()((set, get) => {
  const put = (session: string, change: Partial<Known>) => set(({ of }) => ({ of: new Map(of).set(session, { ...(of.get(session) ?? NOTHING), ...change }) }));
  return {
    of: new Map(),
    against(session, against) {
      put(session, { against, report: undefined, problem: undefined });
      void get().refresh(session);
    },
    async refresh(session) {
      const now = get().of.get(session) ?? NOTHING;
      if (now.busy) return void again.add(session);
      put(session, { busy: true });
      try {
        const report = await ports().workspace.changes(session, now.against);
        if ((get().of.get(session) ?? NOTHING).against === now.against) put(session, { report, problem: undefined, version: now.version + 1 });
      } catch (error) {
        put(session, { problem: asProblem(error) });
      }
      put(session, { busy: false });
      if (again.delete(session)) await get().refresh(session);
    },
  };
});

export function changesOf(session: string): (state: ChangesState) => Known {
  return ({ of }) => of.get(session) ?? NOTHING;
}

/** Keep what is known of this session's changes fresh: after each thing the agent does, and now and then while it works. */
export function useFollowChanges({ id, status, activity }: Session): void {
  const runs = status === "running";
  const works = activity.state === "working";
  const { state, what, messages } = activity;
  useEffect(() => {
    if (!runs) return;
    const refresh = () => document.visibilityState === "visible" && void useChanges.getState().refresh(id);
    const soon = window.setTimeout(refresh, SETTLE_MS);
    const later = works ? window.setInterval(refresh, WORKING_MS) : undefined;
    document.addEventListener("visibilitychange", refresh);
    return () => {
      window.clearTimeout(soon);
      window.clearInterval(later);
      document.removeEventListener("visibilitychange", refresh);
    };
  }, [id, runs, works, state, what, messages]);
}
