import { beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../api/problem";
import type { SessionPage } from "../api/types";
import { type Ports, setPorts } from "../ports";
import type { SessionEvents, SessionsPort } from "../ports/sessions";
import { useSessions } from "./sessions";
import { session } from "./testing";

let events: SessionEvents;
let pages: ((query?: { cursor?: string }) => Promise<SessionPage>)[];

beforeEach(() => {
  pages = [];
  const port: Partial<SessionsPort> = {
    list: (query) => pages.shift()?.(query) ?? Promise.reject(new Problem(0, "", "no more pages in this test")),
    watch(given) {
      events = given;
      return { retry: () => undefined, close: () => undefined };
    },
    stop: async (id) => session({ id, status: "stopping", revision: 2 }),
    remove: async () => undefined,
  };
  setPorts({ sessions: port } as unknown as Ports);
  useSessions.setState({ byId: new Map(), loaded: false, problem: undefined, busy: new Map() });
  useSessions.getState().watch();
});

const ids = () => [...useSessions.getState().byId.keys()].sort();
const page = (items: string[], next: string | null = null) => ({ items: items.map((id) => session({ id })), next });

describe("the list of sessions", () => {
  it("is loaded page by page when the stream says resync", async () => {
    pages = [async () => page(["a"], "2"), async (query) => page([query?.cursor === "2" ? "b" : "wrong"])];
    events.resync();
    await vi.waitFor(() => expect(useSessions.getState().loaded).toBe(true));
    expect(ids()).toEqual(["a", "b"]);
  });

  it("keeps what the stream said while it was loading", async () => {
    let answer: (page: SessionPage) => void = () => undefined;
    pages = [() => new Promise((resolve) => (answer = resolve))];
    events.resync();
    events.session(session({ id: "made" }));
    events.deleted("gone");
    answer(page(["gone", "old"]));
    await vi.waitFor(() => expect(useSessions.getState().loaded).toBe(true));
    expect(ids()).toEqual(["made", "old"]);
  });

  it("follows only the newest of two resyncs", async () => {
    let first: (page: SessionPage) => void = () => undefined;
    pages = [() => new Promise((resolve) => (first = resolve)), async () => page(["new"])];
    events.resync();
    events.resync();
    await vi.waitFor(() => expect(ids()).toEqual(["new"]));
    first(page(["stale"]));
    await Promise.resolve();
    expect(ids()).toEqual(["new"]);
  });

  it("keeps what it shows when loading fails, and says why", async () => {
    events.session(session({ id: "a" }));
    pages = [async () => Promise.reject(new Problem(503, "Unavailable", "The database is busy."))];
    events.resync();
    await vi.waitFor(() => expect(useSessions.getState().problem?.detail).toBe("The database is busy."));
    expect(ids()).toEqual(["a"]);
  });

  it("shows at once what an action answered, and drops what was removed", async () => {
    events.session(session({ id: "a" }));
    await useSessions.getState().act("a", "stop");
    expect(useSessions.getState().byId.get("a")?.status).toBe("stopping");
    await useSessions.getState().act("a", "remove");
    expect(ids()).toEqual([]);
    expect(useSessions.getState().busy.size).toBe(0);
  });
});
