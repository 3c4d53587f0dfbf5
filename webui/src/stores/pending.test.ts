import { beforeEach, describe, expect, it } from "vitest";
import { Problem } from "../api/problem";
import { type Ports, setPorts } from "../ports";
import type { Pending, PermissionsPort, Verdict } from "../ports/permissions";
import { usePending } from "./pending";

let open: Pending[];
let given: { id: string; verdict: Verdict }[];
const once: Verdict = { decision: "allow", scope: "once", message: "" };

const ask = (id: string, scopes: string[] = ["once"]): Pending => ({
  ...{ session_id: "s", session_name: "s", id, tool: "Bash", title: id, reason: "", input: {}, scopes, rules: [] },
  raised_at: "2026-01-01T00:00:00Z",
});

beforeEach(() => {
  open = [ask("a"), ask("b", ["once", "session"]), ask("late")];
  given = [];
  const port: PermissionsPort = {
    pending: async () => open,
    async decide(_session, id, verdict) {
      if (id === "late") throw new Problem(409, "Conflict", "This was already decided by bob.");
      given.push({ id, verdict });
      open = open.filter((one) => one.id !== id);
    },
  };
  setPorts({ permissions: port } as unknown as Ports);
  usePending.setState({ items: [], loaded: false, absent: false, problem: undefined, answering: new Map() });
});

describe("what waits over all sessions", () => {
  it("is answered all at once, and one that fails says why and holds up no other", async () => {
    await usePending.getState().load();
    expect(await usePending.getState().decide(usePending.getState().items, once)).toBe(2);
    await usePending.getState().load();
    expect(given.map(({ id }) => id)).toEqual(["a", "b"]);
    expect(usePending.getState().items.map(({ id }) => id)).toEqual(["late"]);
    expect(usePending.getState().answering.get("s late")?.error).toContain("already decided by bob");
  });

  it("is not allowed wider than it may be", async () => {
    await usePending.getState().load();
    await usePending.getState().decide(usePending.getState().items, { ...once, scope: "session" });
    expect(given.map(({ id }) => id)).toEqual(["b"]);
  });

  it("is known to be unknown where the forge has no such list", async () => {
    const port = { pending: () => Promise.reject(new Problem(404, "Not Found", "There is nothing here.")) };
    setPorts({ permissions: port } as unknown as Ports);
    await usePending.getState().load();
    expect(usePending.getState()).toMatchObject({ absent: true, loaded: true, problem: undefined });
  });
});
