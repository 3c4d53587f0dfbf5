import { offersOf } from "./control";
import type { AgentOffers, AgentState, Task } from "./frames";
import { type AgentInfo, NO_OFFERS, type Offers } from "./view";

/** What holds now, told without the records that said so; `run` is empty before the first one. */
export interface Standing {
  run: string;
  state: "" | AgentState["state"];
  model: string;
  mode: string;
  thinking: string;
  offers: Pick<AgentOffers, "models" | "modes" | "thinking" | "commands">;
  tasks: readonly Task[];
}

/** Before the first run. */
export const NOTHING_STANDS: Standing = { run: "", state: "", model: "", mode: "", thinking: "", offers: NO_OFFERS, tasks: [] };

/** What a view begins with, before any record is played. */
export interface Base {
  agent: AgentInfo | null;
  offers: Offers;
  tasks: readonly Task[];
}

export const NO_BASE: Base = { agent: null, offers: NO_OFFERS, tasks: [] };

export function baseOf({ run, state, model, mode, thinking, offers, tasks }: Standing, agent: string): Base {
  const known = run === "" || state === "" ? null : { run, state, agent, model, mode, thinking };
  return { agent: known, offers: offersOf(offers), tasks };
}
