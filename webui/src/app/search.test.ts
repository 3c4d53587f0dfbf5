import { describe, expect, it } from "vitest";
import { score } from "./search";

describe("the palette's search", () => {
  it("prefers the beginning, then a word's beginning, then a piece, then letters in order", () => {
    const points = ["login", "fix-login", "slogine", "lots of going in"].map((text) => score(text, "login"));
    expect(points).toEqual([...points].sort((a, b) => b - a));
    expect(points.every((each) => each > 0)).toBe(true);
  });

  it("finds nothing where letters are missing", () => expect(score("harbor", "hx")).toBe(0));
});
