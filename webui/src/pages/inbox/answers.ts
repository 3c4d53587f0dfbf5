import type { Pending } from "../../ports/permissions";

/** A question with answers to choose from: a plain yes says nothing, so it is answered on its own page. */
export function isQuestion({ input }: Pending): boolean {
  return Array.isArray(input["questions"]) && input["questions"].length > 0;
}

/** Which wider answers all of these take. */
export function scopesOf(items: readonly Pending[]): ("session" | "always")[] {
  return (["session", "always"] as const).filter((scope) => items.length > 0 && items.every((item) => item.scopes.includes(scope)));
}

/** What will happen in one line: a command is its own best name. */
export function lineOf({ input, title, tool }: Pending): { text: string; code: boolean } {
  const command = input["command"];
  if (typeof command === "string" && command !== "") return { text: command.split("\n")[0] ?? command, code: true };
  return { text: title || tool, code: false };
}

export function rulesOf({ rules }: Pending): string {
  return rules.map(({ tool, subject }) => (subject === "" ? `any use of ${tool}` : `${tool}: ${subject}`)).join(", ");
}
