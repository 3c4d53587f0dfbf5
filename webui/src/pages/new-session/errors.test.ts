import { describe, expect, it } from "vitest";
import { Problem } from "../../api/problem";
import type { NewSession } from "../../api/types";
import { placeOf } from "./errors";

const draft: NewSession = { name: "fix", agent: "claude", model: "", source: { type: "local", path: "/src/x", branch: "b", mode: "worktree" }, start: true };
const at = (status: number, detail: string, fields = {}) => placeOf(new Problem(status, "", detail, "", fields), draft);

describe("an error of the forge", () => {
  it("is shown at the field it is about", () => {
    expect(at(422, "x", { "source.local.path": "Too long." })).toBe("source");
    expect(at(422, "There is no folder /src/x.")).toBe("source");
    expect(at(422, "There is no branch 'b' in /src.")).toBe("source");
    expect(at(409, "There is a session named 'fix' already.")).toBe("name");
    expect(at(422, "There is no agent 'claude' here.")).toBe("agent");
  });

  it("is shown at the end of the form when it is about none", () => {
    expect(at(0, "The forge cannot be reached.")).toBe("form");
    expect(at(500, "The disk is full.")).toBe("form");
  });
});
