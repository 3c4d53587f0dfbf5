import type { PermissionEntry } from "../core/view";
import { command, field } from "../tools/describe";

/** The call that a question is about. */
export type Call = Pick<PermissionEntry, "tool" | "title" | "input">;

/** A plan to agree to: Claude Code asks for it as a tool; others give a plan as text. */
export function isPlan({ tool, input }: Call): boolean {
  return /^(exit_?plan_?mode)$/i.test(tool) || (Object.keys(input).length === 1 && field(input, "plan") !== "");
}

/** What is asked, in words. A command is shown whole below its title: the title does not say it once more. */
export function cardTitle(permission: Call): string {
  const { title, tool, input } = permission;
  if (isPlan(permission)) return "The agent has a plan. Shall it go on?";
  const run = command(input);
  if (run !== "" && (title === "" || title.includes(run.slice(0, 24)))) return field(input, "description") || "Run this command?";
  return title === "" ? `Use ${tool}?` : title;
}

/** The same in the one line that stays of it: a command is its own best name. */
export function lineTitle(permission: Call): { text: string; code: boolean } {
  const { title, tool, input } = permission;
  if (isPlan(permission)) return { text: "the plan", code: false };
  const run = command(input);
  if (run !== "") return { text: run.split("\n")[0] ?? run, code: true };
  return { text: title || tool, code: false };
}
