import type { Problem } from "../../api/problem";
import type { NewSession } from "../../api/types";

/** The part of the form that an error is about. */
export type Place = "source" | "agent" | "name" | "model" | "form";

/** Where to show what the forge found wrong: the field it names, else the one whose content it quotes. */
export function placeOf(problem: Problem, { source, agent, name }: NewSession): Place {
  for (const field of Object.keys(problem.fields)) {
    const place = (["source", "agent", "name", "model"] as const).find((known) => field.split(".").includes(known));
    if (place) return place;
  }
  const { detail, status } = problem;
  const quoted = source.type === "git" ? source.url : source.type === "local" ? source.path : "";
  if (quoted && detail.includes(quoted)) return "source";
  if (detail.includes(`'${name}'`) || (status === 409 && detail.includes("name"))) return "name";
  if (/\b(branch|folder|repository|clone|worktree|git)\b/i.test(detail) && status !== 0) return "source";
  if (agent && new RegExp(`\\bagent\\b|'${agent}'`).test(detail)) return "agent";
  return "form";
}
