import { type ChatState, EMPTY_STATE, Engine } from "../engine";
import type { Keep } from "../outbox";
import { HandClock } from "./clock";
import type { ScriptedSkuld } from "./skuld";

/** A browser's storage, for tests. */
export function memory(): NonNullable<Keep> {
  const kept = new Map<string, string>();
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  };
}

/** An engine against a scripted Skuld, with a clock in the hand. Frames are taken when time passes. */
export class Rig {
  readonly clock: HandClock;
  readonly engine: Engine;
  state: ChatState = EMPTY_STATE;

  constructor(
    readonly skuld: ScriptedSkuld,
    { keep = memory(), chance, ids = "m" }: { keep?: Keep; chance?: () => number; ids?: string } = {},
  ) {
    this.clock = new HandClock(chance);
    let count = 0;
    this.engine = new Engine({
      session: "x",
      port: skuld,
      clock: this.clock,
      keep,
      newId: () => `${ids}${(count += 1)}`,
      soon: (flush) => void this.clock.after(16, flush),
      publish: (change) => {
        this.state = { ...this.state, ...change };
      },
    });
  }

  async live(): Promise<this> {
    this.engine.start(true);
    await this.clock.pass(50);
    return this;
  }
}
