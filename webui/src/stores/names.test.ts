import { describe, expect, it } from "vitest";
import { forkName, problemOfName, suggestName } from "./names";

describe("names", () => {
  it.each(["a", "fix-login", "a1", "x".repeat(63)])("accept %s", (name) => expect(problemOfName(name)).toBe(""));
  it.each(["", "-a", "a-", "A", "a_b", "ä", "x".repeat(64), "a b"])("refuse %j, saying why", (name) => expect(problemOfName(name)).not.toBe(""));

  it("are suggested from the place, and never taken ones", () => {
    expect(suggestName({ type: "git", url: "https://host/o/My_Repo.git", branch: "" }, new Set())).toBe("my-repo");
    expect(suggestName({ type: "git", url: "git@host:o/parser.git", branch: "" }, new Set(["parser", "parser-2"]))).toBe("parser-3");
    expect(suggestName({ type: "local", path: "/home/ada/", branch: "", mode: "in_place" }, new Set())).toBe("ada");
    expect(suggestName({ type: "local", path: "/", branch: "", mode: "in_place" }, new Set())).toBe("session");
    expect(problemOfName(suggestName({ type: "local", path: `/${"é-".repeat(80)}a${"b".repeat(90)}`, branch: "", mode: "in_place" }, new Set()))).toBe("");
  });
});

it("names a fork after where it comes from, as often as need be", () => {
  expect(forkName("fix", new Set())).toBe("fix-fork");
  expect(forkName("fix", new Set(["fix-fork", "fix-fork-2"]))).toBe("fix-fork-3");
  expect(forkName("a".repeat(63), new Set())).toHaveLength(57);
});
