import type { SlashCommand } from "./frames";

/** What is being typed at the caret that a list could complete. `from` to `to` is what an answer replaces. */
export interface Token {
  kind: "command" | "file";
  query: string;
  from: number;
  to: number;
}

export interface Inserted {
  text: string;
  caret: number;
}

/** "/word" at the very beginning is a command; "@word" anywhere after a space is a file. */
export function tokenAt(text: string, caret: number): Token | null {
  const before = text.slice(0, caret);
  const command = /^\/(\S*)$/.exec(before);
  if (command) return { kind: "command", query: command[1] ?? "", from: 0, to: endOfWord(text, caret) };
  const file = /(?:^|\s)@([^\s@]*)$/.exec(before);
  if (!file) return null;
  const query = file[1] ?? "";
  return { kind: "file", query, from: caret - query.length - 1, to: endOfWord(text, caret) };
}

function endOfWord(text: string, caret: number): number {
  const rest = /^\S*/.exec(text.slice(caret));
  return caret + (rest?.[0].length ?? 0);
}

/** The text with this in the token's place, and one space behind it to go on from. */
export function insert(text: string, token: Token, value: string): Inserted {
  const behind = text.slice(token.to);
  const piece = `${value}${behind.startsWith(" ") ? "" : " "}`;
  return { text: text.slice(0, token.from) + piece + behind, caret: token.from + value.length + 1 };
}

const SHOWN = 30;

/** The commands that fit, best first; those that fit equally well keep the agent's order. */
export function commandsFor(commands: readonly SlashCommand[], query: string): readonly SlashCommand[] {
  return commands
    .map((command) => ({ command, points: Math.max(fits(command.name, query), fits(command.description, query) / 4) }))
    .filter(({ points }) => points >= 1)
    .sort((a, b) => b.points - a.points)
    .slice(0, SHOWN)
    .map(({ command }) => command);
}

/** 0: not at all. Begins with it, has it, or has its letters in order. */
export function fits(text: string, query: string): number {
  const where = text.toLowerCase();
  const what = query.toLowerCase();
  if (what === "") return 1;
  const found = where.indexOf(what);
  if (found >= 0) return found === 0 ? 100 : /[\s\-_/.:]/.test(where[found - 1] ?? "") ? 60 : 40;
  let place = -1;
  for (const letter of what) {
    place = where.indexOf(letter, place + 1);
    if (place < 0) return 0;
  }
  return 3;
}
