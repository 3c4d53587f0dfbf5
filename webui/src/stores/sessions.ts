import { create } from "zustand";
import { type Problem, asProblem } from "../api/problem";
import type { NewSession, Session } from "../api/types";
import { ports } from "../ports";
import type { Link, LinkState } from "../ports/sessions";
import { type Changes, merge, replaceAll, without } from "./merge";

interface Sessions {
  byId: ReadonlyMap<string, Session>;
  /** The list was loaded at least once. */
  loaded: boolean;
  problem: Problem | undefined;
  link: LinkState;
  /** Session ids with the verb that is under way for them. */
  busy: ReadonlyMap<string, string>;
  watch(): () => void;
  retry(): void;
  create(session: NewSession): Promise<Session>;
  fork(id: string, name: string): Promise<Session>;
  act(id: string, verb: Verb): Promise<void>;
  rename(id: string, name: string): Promise<void>;
}

export type Verb = "start" | "stop" | "archive" | "restore" | "remove";

let link: Link | undefined;
let round = 0;
/** What the stream said while the list was being loaded: it is newer than the list. */
let meanwhile: Changes | undefined;

/** All sessions of this person, kept true by the stream. */
export const useSessions = create<Sessions>()((set, get) => {
  const take = (session: Session) => {
    meanwhile?.changed.set(session.id, session);
    set({ byId: merge(get().byId, session) });
  };
  const drop = (id: string) => {
    meanwhile?.gone.add(id);
    set({ byId: without(get().byId, id) });
  };

  async function load(): Promise<void> {
    const mine = ++round;
    const noted: Changes = { changed: new Map(), gone: new Set() };
    meanwhile = noted;
    try {
      const items: Session[] = [];
      let cursor: string | null = null;
      do {
        const page = await ports().sessions.list(cursor ? { cursor } : {});
        if (mine !== round) return;
        items.push(...page.items);
        cursor = page.next;
      } while (cursor);
      set({ byId: replaceAll(get().byId, items, noted), loaded: true, problem: undefined });
      // The newest archived ones too: their group is closed, but they can be opened, read and restored.
      const archived = await ports().sessions.list({ status: "archived" });
      if (mine === round) set({ byId: archived.items.filter((one) => !noted.gone.has(one.id)).reduce(merge, get().byId) });
    } catch (error) {
      if (mine === round) set({ problem: asProblem(error) });
    } finally {
      if (mine === round) meanwhile = undefined;
    }
  }

  return {
    byId: new Map(),
    loaded: false,
    problem: undefined,
    link: { state: "connecting" },
    busy: new Map(),

    watch() {
      link = ports().sessions.watch({ session: take, deleted: drop, resync: () => void load(), link: (state) => set({ link: state }) });
      return () => link?.close();
    },

    retry() {
      if (get().problem) void load();
      link?.retry();
    },

    async create(session) {
      const made = await ports().sessions.create(session);
      take(made);
      return made;
    },

    async fork(id, name) {
      const made = await ports().sessions.fork(id, name);
      take(made);
      return made;
    },

    async act(id, verb) {
      if (get().busy.has(id)) return;
      set({ busy: new Map(get().busy).set(id, verb) });
      try {
        const session = await ports().sessions[verb](id);
        if (session) take(session);
        else drop(id);
      } finally {
        const busy = new Map(get().busy);
        busy.delete(id);
        set({ busy });
      }
    },

    async rename(id, name) {
      take(await ports().sessions.rename(id, name));
    },
  };
});
