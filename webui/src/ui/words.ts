import type { Session, Source } from "../api/types";

/** Where a session's code comes from, short enough for a line: the last parts of its place. */
export function sourceName(source: Source): string {
  if (source.type === "empty") return "empty folder";
  const place = source.type === "git" ? source.url.replace(/\.git$/, "") : source.path;
  return place.replace(/\/+$/, "").split(/[/:\\]/).pop() || place;
}

/** The whole of it. */
export function sourcePlace(source: Source): string {
  if (source.type === "empty") return "A new, empty folder";
  return source.type === "git" ? source.url : source.path;
}

/** Money, honestly: what is not known is not zero. */
export function cost({ activity }: Session): string {
  return typeof activity.cost_usd === "number" ? `$${activity.cost_usd.toFixed(2)}` : "unknown";
}

/** The model that works, else the one that was asked for, else "". */
export function model(session: Session): string {
  return session.activity.model || session.model;
}
