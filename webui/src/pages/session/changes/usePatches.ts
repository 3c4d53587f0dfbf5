import { useCallback, useEffect, useRef, useState } from "react";
import { asProblem } from "../../../api/problem";
import { ports } from "../../../ports";
import { readPatch } from "./patch";
import type { Loaded } from "./rows";

const AT_ONCE = 4;

interface Wish {
  path: string;
  whole: boolean;
}

/** The patches of files, fetched when somebody looks. A new `version` of the report fetches those in view again; the old one stays until then. */
export function usePatches(session: string, against: string, version: number): { loaded: ReadonlyMap<string, Loaded>; want(path: string, whole?: boolean): void } {
  const [loaded, setLoaded] = useState<ReadonlyMap<string, Loaded>>(new Map());
  const fetched = useRef(new Map<string, number>());
  const whole = useRef(new Set<string>());
  const queue = useRef<Wish[]>([]);
  const flying = useRef(0);
  const epoch = useRef(0);
  useEffect(() => {
    epoch.current += 1;
    fetched.current.clear();
    whole.current.clear();
    queue.current = [];
    setLoaded(new Map());
  }, [session, against]);
  const put = useCallback((path: string, value: Loaded) => setLoaded((all) => new Map(all).set(path, value)), []);
  const next = useCallback(() => {
    const wish = flying.current < AT_ONCE ? queue.current.shift() : undefined;
    if (!wish) return;
    const mine = epoch.current;
    flying.current += 1;
    const take = (value: Loaded) => mine === epoch.current && put(wish.path, value);
    ports()
      .workspace.patch(session, against, wish.path, wish.whole)
      .then(
        (patch) => setSame(setLoaded, mine === epoch.current, wish.path, { state: "ready", patch, hunks: readPatch(wish.path, patch.patch) }),
        (error: unknown) => take({ state: "failed", problem: asProblem(error) }),
      )
      .finally(() => {
        flying.current -= 1;
        next();
      });
    next();
  }, [session, against, put]);
  const want = useCallback(
    (path: string, all = false) => {
      const known = fetched.current.get(path);
      if (known === version && !(all && !whole.current.has(path))) return;
      if (all) whole.current.add(path);
      fetched.current.set(path, version);
      if (known === undefined || all) put(path, { state: "loading" });
      queue.current.push({ path, whole: whole.current.has(path) });
      next();
    },
    [version, put, next],
  );
  return { loaded, want };
}

/** Keep the old object when nothing changed: its colours and places are known already. */
function setSame(set: React.Dispatch<React.SetStateAction<ReadonlyMap<string, Loaded>>>, current: boolean, path: string, value: Extract<Loaded, { state: "ready" }>): void {
  if (!current) return;
  set((all) => {
    const old = all.get(path);
    if (old?.state === "ready" && old.patch.patch === value.patch.patch && old.patch.large === value.patch.large) return all;
    return new Map(all).set(path, value);
  });
}
