import type { Session } from "../api/types";

type Known = ReadonlyMap<string, Session>;

/** What the stream said while a list was being loaded. */
export interface Changes {
  changed: Map<string, Session>;
  gone: Set<string>;
}

/** With this session in it, unless a newer revision of it is known already. */
export function merge(known: Known, session: Session): Known {
  const old = known.get(session.id);
  if (old && old.revision > session.revision) return known;
  return new Map(known).set(session.id, session);
}

export function without(known: Known, id: string): Known {
  if (!known.has(id)) return known;
  const rest = new Map(known);
  rest.delete(id);
  return rest;
}

/** The loaded list in place of all that was known: except for what changed after loading began, and never an older revision. */
export function replaceAll(known: Known, items: readonly Session[], { changed, gone }: Changes): Known {
  const all = new Map<string, Session>();
  for (const item of [...items, ...changed.values()]) {
    if (gone.has(item.id)) continue;
    const old = all.get(item.id) ?? known.get(item.id);
    all.set(item.id, old && old.revision > item.revision ? old : item);
  }
  return all;
}
