import { useMemo, useState } from "react";
import type { Agent, GitSource, LocalSource, NewSession, Source } from "../../api/types";
import { problemOfName, suggestName } from "../../stores/names";
import { useSessions } from "../../stores/sessions";

export type Transport = NonNullable<NewSession["options"]>["transport"];

export interface Draft {
  session: NewSession;
  kind: Source["type"];
  local: LocalSource;
  git: GitSource;
  nameProblem: string;
  /** What is still needed; "" when the session can be created. */
  missing: string;
  /** How the agent is reached; "" is its usual way. */
  transport: Transport;
  setTransport(transport: Transport): void;
  change(change: Partial<Pick<NewSession, "agent" | "model">>): void;
  setName(name: string): void;
  setKind(kind: Source["type"]): void;
  setLocal(change: Partial<LocalSource>): void;
  setGit(change: Partial<GitSource>): void;
}

/** The form's content. What the person typed for one kind of source survives a look at the others. */
export function useDraft(agents: readonly Agent[], demo: boolean): Draft {
  const byId = useSessions((state) => state.byId);
  const [kind, setKind] = useState<Source["type"]>(demo ? "empty" : "local");
  const [local, setLocal] = useState<LocalSource>({ type: "local", path: "", branch: "", mode: "worktree" });
  const [git, setGit] = useState<GitSource>({ type: "git", url: "", branch: "" });
  const [typedName, setName] = useState<string>();
  const [chosen, change] = useState<Partial<Pick<NewSession, "agent" | "model">>>({});
  const [wished, setTransport] = useState<Transport>("");
  const taken = useMemo(() => new Set([...byId.values()].map((session) => session.name)), [byId]);
  const source: Source = kind === "local" ? local : kind === "git" ? git : { type: "empty" };
  const name = typedName ?? (demo && kind === "empty" ? suggestDemo(taken) : suggestName(source, taken));
  const agent = chosen.agent ?? firstAgent(agents, demo);
  const model = chosen.model ?? "";
  // Another agent may not know the way that was chosen for the one before.
  const transport = agents.find((one) => one.name === agent)?.transports.includes(wished) ? wished : "";
  const options = transport === "" ? {} : { options: { definition: "", mode: "", thinking: "", transport } };
  const key = JSON.stringify({ name, agent, model: model.trim(), source, start: true, ...options });
  const session = useMemo(() => JSON.parse(key) as NewSession, [key]);
  const nameProblem = problemOfName(name) || (taken.has(name) ? `There is a session ${name} already.` : "");
  return {
    session,
    kind,
    local,
    git,
    nameProblem,
    transport,
    setTransport,
    missing: missingIn(session, nameProblem),
    change: (more) => change({ ...chosen, ...more }),
    setName,
    setKind,
    setLocal: (more) => setLocal({ ...local, ...more }),
    setGit: (more) => setGit({ ...git, ...more }),
  };
}

function missingIn({ source, agent }: NewSession, nameProblem: string): string {
  if (source.type === "local" && source.path.trim() === "") return "Pick a folder.";
  if (source.type === "git" && source.url.trim() === "") return "Give the URL of a repository.";
  if (agent === "") return "Pick an agent.";
  return nameProblem && "Change the name.";
}

function firstAgent(agents: readonly Agent[], demo: boolean): string {
  const usable = agents.filter((agent) => agent.available);
  const wanted = usable.find((agent) => (agent.name === "demo") === demo) ?? usable[0];
  return wanted?.name ?? "";
}

function suggestDemo(taken: ReadonlySet<string>): string {
  return suggestName({ type: "local", path: "demo", branch: "", mode: "in_place" }, taken);
}
