import type { AgentState } from "./frames";
import type { AgentInfo, NoticeEntry } from "./view";

/** Who the agent is now. What a record leaves empty is as it was. */
export function agentInfo(record: AgentState, before: AgentInfo | null): AgentInfo {
  const { state, run, agent, model, mode, thinking = "" } = record;
  return {
    state,
    run,
    agent: agent || (before?.agent ?? ""),
    model: model || (before?.model ?? ""),
    mode: mode || (before?.mode ?? ""),
    thinking: thinking || (before?.thinking ?? ""),
  };
}

/** What of it is worth a line; null when it is business as usual. */
export function agentNotice(record: AgentState, before: AgentInfo | null): NoticeEntry | null {
  const { state, model, seq, at, error, hint } = record;
  const say = (level: "info" | "error", text: string): NoticeEntry => ({ type: "notice", key: `agent:${seq}`, at, level, text, detail: error, hint });
  if (state === "failed") return say("error", "The agent could not go on");
  if (state === "exited" && error !== "") return say("error", "The agent's process ended");
  const other = state === "ready" && model !== "" && before?.model && before.model !== model;
  return other ? say("info", `The model is now ${model}`) : null;
}
