import type { Source } from "../api/types";

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Why this cannot be a session's name; "" when it can. The name becomes part of branch and folder names. */
export function problemOfName(name: string): string {
  if (LABEL.test(name)) return "";
  if (name === "") return "A session needs a name.";
  if (name.length > 63) return `At most 63 characters; this has ${name.length}.`;
  if (/[A-Z]/.test(name)) return "Lower-case letters only.";
  if (/^-|-$/.test(name)) return "A letter or digit must be first and last.";
  return "Only a–z, 0–9 and '-'.";
}

/** A name for a session on this source that no other has. */
export function suggestName(source: Source, taken: ReadonlySet<string>): string {
  const base = toLabel(lastPart(source)) || "session";
  for (let number = 1; ; number++) {
    const name = number === 1 ? base : `${base.slice(0, 58)}-${number}`;
    if (!taken.has(name)) return name;
  }
}

/** A name for a session that goes on from this one. */
export function forkName(name: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number++) {
    const fork = `${name.slice(0, 52).replace(/-+$/, "")}-fork${number === 1 ? "" : `-${number}`}`;
    if (!taken.has(fork)) return fork;
  }
}

function lastPart(source: Source): string {
  const place = source.type === "git" ? source.url : source.type === "local" ? source.path : "";
  return place.replace(/\/+$/, "").replace(/\.git$/, "").split(/[/:\\]/).pop() ?? "";
}

function toLabel(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 50)
    .replace(/-+$/, "");
}
