import { Lexer, type Token } from "marked";

export interface Parsed {
  text: string;
  tokens: readonly Token[];
}

const NOTHING: Parsed = { text: "", tokens: [] };

/** How many blocks at the end may still change their meaning when more text comes (a list goes on, a table begins). */
const UNSURE = 2;

/** Markdown as blocks. With what was parsed before, text that only grew costs no more than its last blocks. */
export function parse(text: string, before: Parsed = NOTHING): Parsed {
  if (text === before.text) return before;
  const grown = before.text !== "" && text.startsWith(before.text) && !text.includes("\r");
  const solid = grown ? before.tokens.slice(0, -UNSURE) : [];
  const known = solid.reduce((length, token) => length + token.raw.length, 0);
  // Where the parts do not add up to the text (tabs, odd spaces), the short cut is none.
  if (known > 0 && text.slice(0, known) !== solid.map((token) => token.raw).join("")) return whole(text);
  return known > 0 ? { text, tokens: [...solid, ...new Lexer({ gfm: true }).lex(text.slice(known))] } : whole(text);
}

function whole(text: string): Parsed {
  return { text, tokens: new Lexer({ gfm: true }).lex(text) };
}

/** The address if following it is safe, else null. */
export function safeHref(href: string): string | null {
  const trimmed = href.trim();
  return /^(https?:\/\/|mailto:)/i.test(trimmed) ? trimmed : null;
}

/** Where a link leads, said when its text does not say so already. */
export function shownTarget(href: string, text: string): string {
  if (text.includes(href) || href.includes(text.trim()) && /\w\.\w/.test(text)) return "";
  try {
    const url = new URL(href);
    return url.protocol === "mailto:" ? url.pathname : url.host;
  } catch {
    return "";
  }
}
