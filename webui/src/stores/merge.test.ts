import { describe, expect, it } from "vitest";
import type { Session } from "../api/types";
import { merge, replaceAll, without } from "./merge";
import { session } from "./testing";

const known = (...sessions: Session[]) => new Map(sessions.map((each) => [each.id, each]));
const nothing = () => ({ changed: new Map<string, Session>(), gone: new Set<string>() });

describe("merging what the stream says", () => {
  it("takes a newer revision and keeps the same map for an older one", () => {
    const now = known(session({ id: "a", revision: 5 }));
    expect(merge(now, session({ id: "a", revision: 6, name: "b" })).get("a")?.name).toBe("b");
    expect(merge(now, session({ id: "a", revision: 4 }))).toBe(now);
  });

  it("drops a deleted session and does not mind one it never knew", () => {
    const now = known(session({ id: "a" }));
    expect(without(now, "a").size).toBe(0);
    expect(without(now, "z")).toBe(now);
  });
});

describe("a resync", () => {
  it("forgets what the list no longer has", () => {
    const all = replaceAll(known(session({ id: "a" }), session({ id: "b" })), [session({ id: "b" })], nothing());
    expect([...all.keys()]).toEqual(["b"]);
  });

  it("keeps a session that was made while the list was loaded", () => {
    const fresh = session({ id: "new" });
    expect(replaceAll(known(), [], { changed: known(fresh), gone: new Set() }).get("new")).toBe(fresh);
  });

  it("does not bring back a session that was deleted while the list was loaded", () => {
    expect(replaceAll(known(), [session({ id: "a" })], { changed: new Map(), gone: new Set(["a"]) }).size).toBe(0);
  });

  it("never goes back to an older revision", () => {
    const newer = session({ id: "a", revision: 9 });
    expect(replaceAll(known(newer), [session({ id: "a", revision: 8 })], nothing()).get("a")).toBe(newer);
  });
});
