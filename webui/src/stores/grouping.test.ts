import { describe, expect, it } from "vitest";
import { grouped, waiting } from "./grouping";
import { stateOf } from "./state";
import { session } from "./testing";

const all = [
  session({ id: "idle" }),
  session({ id: "works" }, { state: "working", what: "pytest" }),
  session({ id: "starts", status: "provisioning", step: "waiting for the agent" }),
  session({ id: "late" }, { state: "waiting", since: "2026-11-23T11:00:00Z" }),
  session({ id: "early" }, { state: "waiting", since: "2026-11-23T09:00:00Z" }),
  session({ id: "broken", status: "failed", error: "no key\nmore" }),
  session({ id: "off", status: "stopped", source: { type: "git", url: "https://host/tools/parser.git", branch: "" } }, { state: "stopped" }),
  session({ id: "old", status: "archived" }),
];

describe("groups", () => {
  it("put first what needs a person, the longest wait at the top", () => {
    const names = grouped(all).map((group) => [group.id, group.sessions.map((each) => each.id)]);
    expect(names).toEqual([
      ["waiting", ["early", "late"]],
      ["failed", ["broken"]],
      ["working", ["starts", "works"]],
      ["idle", ["idle"]],
      ["stopped", ["off"]],
      ["archived", ["old"]],
    ]);
  });

  it("are filtered by every word, in name, place and state", () => {
    expect(grouped(all, "parser stopped").flatMap((group) => group.sessions.map((each) => each.id))).toEqual(["off"]);
    expect(grouped(all, "nothing")).toEqual([]);
  });

  it("count as waiting only sessions that run", () => {
    expect(waiting([...all, session({ id: "x", status: "stopped" }, { state: "waiting" })]).map((each) => each.id)).toEqual(["early", "late"]);
  });
});

describe("the words of a state", () => {
  it("are those of the design", () => {
    const words = Object.fromEntries(all.map((each) => [each.id, stateOf(each).word]));
    expect(words).toMatchObject({ idle: "idle", works: "working", starts: "starting", late: "waiting for you", broken: "failed", off: "stopped", old: "archived" });
  });

  it("give the cause of a failure in one line", () => {
    expect(stateOf(session({ id: "a", status: "failed", error: "no key\nmore" })).what).toBe("no key");
    const python = 'Traceback (most recent call last):\n  File "x"\n    main()\nModuleNotFoundError: No module named x\n\nlast log lines';
    expect(stateOf(session({ id: "a", status: "failed", error: python })).what).toBe("ModuleNotFoundError: No module named x");
  });
});
