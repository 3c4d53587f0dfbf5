import { describe, expect, it } from "vitest";
import type { SlashCommand } from "./frames";
import { commandsFor, insert, tokenAt } from "./suggest";

const command = (name: string, description = ""): SlashCommand => ({ name, description, takes: "", kind: "command" });

describe("what is completed", () => {
  it("is a command at the beginning only, a file anywhere", () => {
    expect(tokenAt("/rev", 4)).toEqual({ kind: "command", query: "rev", from: 0, to: 4 });
    expect(tokenAt("see /rev", 8)).toBeNull();
    expect(tokenAt("/review now", 11)).toBeNull();
    expect(tokenAt("look at @src/re and", 15)).toEqual({ kind: "file", query: "src/re", from: 8, to: 15 });
    expect(tokenAt("mail ada@example", 16)).toBeNull();
  });

  it("replaces the whole word and goes on behind it", () => {
    const token = tokenAt("look at @sr and", 11);
    expect(token && insert("look at @sr and", token, "@src/a.py")).toEqual({ text: "look at @src/a.py and", caret: 18 });
  });

  it("finds commands by beginning, part, letters and description, best first", () => {
    const all = [command("compact"), command("review", "Look for mistakes"), command("pr-comments")];
    expect(commandsFor(all, "").map(({ name }) => name)).toEqual(["compact", "review", "pr-comments"]);
    expect(commandsFor(all, "com").map(({ name }) => name)).toEqual(["compact", "pr-comments"]);
    expect(commandsFor(all, "rvw").map(({ name }) => name)).toEqual(["review"]);
    expect(commandsFor(all, "mistakes").map(({ name }) => name)).toEqual(["review"]);
    expect(commandsFor(all, "zzz")).toEqual([]);
  });
});
