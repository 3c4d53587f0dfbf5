import type { PermissionEntry } from "../core/view";
import { command, field } from "../tools/describe";

/** What is asked, in words. A command is shown whole below its title: the title does not say it once more. */
export function cardTitle({ title, tool, input }: PermissionEntry): string {
  const run = command(input);
  if (run !== "" && (title === "" || title.includes(run.slice(0, 24)))) return field(input, "description") || "Run this command?";
  return title === "" ? `Use ${tool}?` : title;
}

/** The same in the one line that stays of it: a command is its own best name. */
export function lineTitle({ title, tool, input }: PermissionEntry): { text: string; code: boolean } {
  const run = command(input);
  if (run !== "") return { text: run.split("\n")[0] ?? run, code: true };
  return { text: title || tool, code: false };
}
