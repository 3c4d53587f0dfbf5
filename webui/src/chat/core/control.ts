import { type AgentState, type Choice, CHOICES, type ChoiceName, type Chosen, type Choosing } from "./frames";
import type { AgentInfo, Offers } from "./view";

/** What is still asked for after somebody chose. */
export function chosen(before: Choosing, record: Chosen): Choosing {
  const now: Partial<Record<ChoiceName, string>> = { ...before };
  for (const name of CHOICES) {
    const value = record[name];
    if (value !== null) now[name] = value;
  }
  return now;
}

/**
 * What is still asked for after the agent said what it is. It may name a model otherwise than it was asked for ("sonnet" is
 * "…-sonnet-4-5"): another value than before is an answer as well, and a new run began with what was chosen.
 */
export function confirmed(asked: Choosing, record: AgentState, before: AgentInfo | null, offers: Offers): Choosing {
  const names = CHOICES.filter((name) => asked[name] !== undefined);
  if (record.state !== "ready" || names.length === 0) return asked;
  const open = names.filter((name) => {
    const now = record[name] ?? "";
    if (now === "") return true;
    const wanted = asked[name] as string;
    return now !== wanted && now !== resolved(choicesOf(offers, name), wanted) && before?.run === record.run && before[name] === now;
  });
  return open.length === names.length ? asked : Object.fromEntries(open.map((name) => [name, asked[name]]));
}

export function offersOf({ models, modes, thinking, commands }: Offers): Offers {
  return { models, modes, thinking, commands };
}

export function choicesOf(offers: Offers, name: ChoiceName): readonly Choice[] {
  return { model: offers.models, mode: offers.modes, thinking: offers.thinking }[name];
}

/** The choice that this value of an `agent_state` means; the agent may name it by its id or by what it resolves to. */
export function choiceOf(choices: readonly Choice[], value: string): Choice | undefined {
  return choices.find(({ id }) => id === value) ?? choices.find((choice) => choice.resolved !== "" && choice.resolved === value);
}

function resolved(choices: readonly Choice[], id: string): string {
  return choices.find((choice) => choice.id === id)?.resolved ?? "";
}
