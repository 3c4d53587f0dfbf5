import { describe, expect, it } from "vitest";
import { Printed } from "./printed";

const piece = (offset: number, text: string) => ({ type: "output", id: "t", offset, text }) as const;

describe("what a running tool prints", () => {
  it("is put together once, whatever comes twice", () => {
    const printed = new Printed();
    expect(printed.take(piece(0, "a🔥b"))).toBe(true);
    expect(printed.take(piece(0, "a🔥b"))).toBe(false);
    printed.take(piece(2, "bc"));
    printed.take(piece(4, "d"));
    expect(printed.get("t")).toEqual({ text: "a🔥bcd", cut: false });
  });

  it("is only its end for who comes late, and says so", () => {
    const printed = new Printed();
    printed.take(piece(5_000, "end"));
    expect(printed.get("t")).toEqual({ text: "end", cut: true });
  });

  it("does not grow without bound", () => {
    const printed = new Printed();
    const line = `${"x".repeat(99)}\n`;
    for (let at = 0; at < 5_000; at += 1) printed.take(piece(at * 100, line));
    const { text, cut } = printed.get("t");
    expect(text.length).toBeLessThan(50_000);
    expect(text.endsWith(line)).toBe(true);
    expect(text.startsWith("x".repeat(99))).toBe(true);
    expect(cut).toBe(true);
    expect(printed.take(piece(499_900, line))).toBe(false);
  });
});
