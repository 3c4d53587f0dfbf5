import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { TerminalsPort, WireEvents } from "../../../ports/terminals";
import { Line, type LineState, type Screen } from "./line";
import { heard, rawInput } from "./protocol";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (words: string) => new TextEncoder().encode(words);

/** A terminal's other end, and a screen that draws only when told. */
class Rig {
  readonly sent: string[] = [];
  readonly states: LineState[] = [];
  readonly undrawn: (() => void)[] = [];
  readonly lines: WireEvents[] = [];
  resets = 0;

  readonly port = {
    connect: (_session: string, _id: string, _view: boolean, events: WireEvents) => {
      this.lines.push(events);
      return { send: (message: Uint8Array) => void this.sent.push(text(message)), waiting: () => 0, close: () => undefined };
    },
  } as unknown as TerminalsPort;

  readonly screen: Screen = {
    size: () => ({ columns: 80, rows: 24 }),
    reset: () => void (this.resets += 1),
    write: (_, drawn) => void this.undrawn.push(drawn),
    title: () => undefined,
    actual: () => undefined,
    line: (state) => void this.states.push(state),
  };

  readonly line: Line;

  constructor(view = false) {
    this.line = new Line(this.port, "s", "t", view, this.screen);
  }

  get wire(): WireEvents {
    return this.lines.at(-1) as WireEvents;
  }
}

describe("the line to a terminal", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("greets with its size and then sends what is typed", () => {
    const rig = new Rig();
    rig.wire.open();
    expect(rig.line.type("ls\r")).toBe(true);
    expect(rig.sent).toEqual(['{"AuthToken":"","columns":80,"rows":24}', "0ls\r"]);
  });

  it("refuses what is typed while it is down, and says so", () => {
    const rig = new Rig();
    expect(rig.line.type("a")).toBe(false);
    rig.wire.open();
    rig.wire.close(1006, "");
    expect(rig.line.type("b")).toBe(false);
    expect(rig.states.map(({ state }) => state)).toEqual(["connecting", "open", "lost"]);
  });

  it("tries again, each time a little later, and draws the whole screen anew", () => {
    const rig = new Rig();
    rig.wire.open();
    rig.wire.close(1006, "");
    vi.advanceTimersByTime(500);
    expect(rig.lines).toHaveLength(2);
    rig.wire.close(1006, "");
    vi.advanceTimersByTime(999);
    expect(rig.lines).toHaveLength(2);
    vi.advanceTimersByTime(1);
    rig.wire.open();
    expect(rig.resets).toBe(2);
  });

  it("does not wait any longer when told to try now", () => {
    const rig = new Rig();
    rig.wire.close(1006, "");
    rig.line.retry();
    expect(rig.lines).toHaveLength(2);
    vi.advanceTimersByTime(60_000);
    expect(rig.lines.length).toBeGreaterThan(2);
  });

  it("ends with the terminal", () => {
    const rig = new Rig();
    rig.wire.open();
    rig.wire.close(1000, "");
    vi.advanceTimersByTime(60_000);
    expect(rig.lines).toHaveLength(1);
    expect(rig.states.at(-1)).toEqual({ state: "over", why: "The terminal has ended." });
  });

  it("gives up on one that does not answer, and tries another", () => {
    const rig = new Rig();
    vi.advanceTimersByTime(15_000);
    expect(rig.states.at(-1)?.state).toBe("lost");
    vi.advanceTimersByTime(500);
    expect(rig.lines).toHaveLength(2);
  });

  it("tells a flood to wait until enough of it is drawn", () => {
    const rig = new Rig();
    rig.wire.open();
    for (let count = 0; count < 7; count += 1) rig.wire.message(bytes(`0${"x".repeat(64 * 1024)}`));
    expect(rig.sent.slice(1)).toEqual(["2"]);
    rig.undrawn.forEach((drawn) => drawn());
    expect(rig.sent.slice(1)).toEqual(["2", "3"]);
  });

  it("types and resizes nothing when it only looks", () => {
    const rig = new Rig(true);
    rig.wire.open();
    expect(rig.line.type("rm")).toBe(false);
    rig.line.resize({ columns: 10, rows: 10 });
    expect(rig.sent).toHaveLength(1);
  });
});

it("tells output, title and the rest apart", () => {
  expect(heard(bytes("1bash"))).toEqual({ type: "title", text: "bash" });
  expect(["2{}", "2nonsense", "9"].map((words) => heard(bytes(words)))).toEqual([{ type: "other" }, { type: "other" }, { type: "other" }]);
  expect(heard(bytes('2{"columns":80,"rows":24}'))).toEqual({ type: "size", size: { columns: 80, rows: 24 } });
  expect(heard(bytes("0hi"))).toMatchObject({ type: "output" });
  expect([...rawInput("\x1b[M\xff")]).toEqual([0x30, 0x1b, 0x5b, 0x4d, 0xff]);
});
