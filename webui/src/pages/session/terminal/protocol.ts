import type { Size } from "../../../ports/terminals";

/** ttyd's protocol: the first byte of a message says what it is. */

const TEXT = new TextEncoder();
const INPUT = 0x30;

export type Heard = { type: "output"; bytes: Uint8Array<ArrayBuffer> } | { type: "title"; text: string } | { type: "size"; size: Size } | { type: "other" };

/** What a message from the terminal says. */
export function heard(message: Uint8Array<ArrayBuffer>): Heard {
  const rest = message.subarray(1);
  if (message[0] === 0x30) return { type: "output", bytes: rest };
  if (message[0] === 0x31) return { type: "title", text: new TextDecoder().decode(rest) };
  if (message[0] === 0x32) return settings(rest);
  return { type: "other" };
}

/** ttyd's settings for the client's terminal; of these Skuld sends the size that the terminal really has: the smallest of all that look at it. */
function settings(bytes: Uint8Array): Heard {
  try {
    const said = JSON.parse(new TextDecoder().decode(bytes)) as { columns?: unknown; rows?: unknown };
    const { columns, rows } = said;
    if (typeof columns === "number" && typeof rows === "number") return { type: "size", size: { columns, rows } };
  } catch {
    // Settings that cannot be read are settings of something else.
  }
  return { type: "other" };
}

/** The first message: who we are (the ticket said so already) and how much we can show. */
export function greeting(columns: number, rows: number): Uint8Array<ArrayBuffer> {
  return TEXT.encode(JSON.stringify({ AuthToken: "", columns, rows }));
}

export function input(data: string): Uint8Array<ArrayBuffer> {
  return TEXT.encode(`0${data}`);
}

/** Bytes that are no text: a mouse report of the old kind has one byte for each letter. */
export function rawInput(data: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([INPUT, ...Array.from(data, (letter) => letter.charCodeAt(0) & 0xff)]);
}

export function resize(columns: number, rows: number): Uint8Array<ArrayBuffer> {
  return TEXT.encode(`1${JSON.stringify({ columns, rows })}`);
}

export const PAUSE: Uint8Array<ArrayBuffer> = TEXT.encode("2");
export const RESUME: Uint8Array<ArrayBuffer> = TEXT.encode("3");
