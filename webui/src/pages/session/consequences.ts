import type { Session } from "../../api/types";

/** What deleting this session removes, and what it leaves alone. */
export function consequences({ source, branch, workspace, status }: Session): { goes: string[]; stays: string[] } {
  const runs = status === "running" || status === "starting" || status === "provisioning";
  const goes = [...(runs ? ["The running agent: it is stopped first."] : []), "The conversation and the session's logs."];
  if (source.type === "local" && source.mode === "in_place") return { goes, stays: [`Your folder ${source.path}, as it is now.`] };
  if (workspace) goes.push(`The workspace ${workspace}.`);
  if (source.type === "local") {
    return {
      goes,
      stays: [
        `Your folder ${source.path} and everything in it.`,
        `Commits${branch ? ` on ${branch}` : ""}; work that was not committed, as a snapshot in your repository.`,
      ],
    };
  }
  const stays = workspace ? ["Work that is nowhere else: the workspace then moves to Volundr's trash folder."] : [];
  return { goes, stays };
}
