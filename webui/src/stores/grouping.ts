import type { Session } from "../api/types";
import { stateOf } from "./state";

export interface Group {
  id: "waiting" | "failed" | "working" | "idle" | "stopped" | "archived";
  title: string;
  sessions: readonly Session[];
}

const TITLES: Record<Group["id"], string> = {
  waiting: "Waiting for you",
  failed: "Failed",
  working: "Working",
  idle: "Idle",
  stopped: "Stopped",
  archived: "Archived",
};

/** The sessions that match, by what they are doing; what needs a person comes first. Empty groups are left out. */
export function grouped(sessions: Iterable<Session>, filter = ""): Group[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<Group["id"], Session[]>((Object.keys(TITLES) as Group["id"][]).map((id) => [id, []]));
  for (const session of sessions) {
    if (words.length === 0 || matches(session, words)) groups.get(groupOf(session))?.push(session);
  }
  return [...groups]
    .filter(([, members]) => members.length > 0)
    .map(([id, members]) => ({ id, title: TITLES[id], sessions: members.sort((a, b) => order(id, a, b)) }));
}

export function waiting(sessions: Iterable<Session>): Session[] {
  return [...sessions].filter((session) => groupOf(session) === "waiting").sort((a, b) => order("waiting", a, b));
}

function groupOf(session: Session): Group["id"] {
  if (session.status === "archived") return "archived";
  const { kind } = stateOf(session);
  return kind === "moving" ? "working" : kind;
}

/** Who waits longest is first. Elsewhere the newest is: by when it was made, for that never jumps while one reads. */
function order(group: Group["id"], a: Session, b: Session): number {
  if (group === "waiting") return stateOf(a).since.localeCompare(stateOf(b).since) || a.id.localeCompare(b.id);
  return b.created_at.localeCompare(a.created_at) || a.id.localeCompare(b.id);
}

function matches(session: Session, words: readonly string[]): boolean {
  const { source } = session;
  const place = source.type === "git" ? source.url : source.type === "local" ? source.path : "";
  const text = [session.name, session.agent, session.model, session.branch, place, stateOf(session).word].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}
