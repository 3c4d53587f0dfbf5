// eslint-disable-next-line no-control-regex
const ANSI = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
const MATTERS = /\b(error|fatal|failed|failure|exception|panic|denied|not found|no such|cannot|refused|timed? ?out|undefined|unexpected)\b/i;
const TRACE_START = /^Traceback \(most recent call last\)/;
/** A named exception with its words, as pytest ("E   …"), Python, Node, Java and Rust print it. */
const NAMED = /^(?:E\s+)?(?:[\w.]+(?:Error|Exception)\b|error(?:\[\w+\])?|fatal|panic)\s*:/i;

/** Terminal output as plain text: no colours, and of a line that was written over only its last state. */
export function plain(output: string): string {
  const text = output.includes("\u001b") ? output.replace(ANSI, "") : output;
  if (!text.includes("\r")) return text;
  return text.replace(/\r\n/g, "\n").replace(/[^\n]*\r(?=[^\n])/g, "");
}

/** Of what a failed call printed, the line that says why. */
export function lineThatMatters(output: string): string {
  const lines = plain(output)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const trace = lines.findIndex((line) => TRACE_START.test(line));
  if (trace >= 0) return lines.at(-1) ?? "";
  const line = lines.find((one) => NAMED.test(one)) ?? lines.find((one) => MATTERS.test(one)) ?? lines[0] ?? "";
  return line.replace(/^E\s+/, "");
}

export const SHOWN_LINES = 24;
const SHOWN_CHARS = 12_000;

export interface Clamped {
  text: string;
  /** How many lines are left out; 0 when the text is whole. */
  hidden: number;
}

/** The end of long output: what a command said last is what counts, as in a terminal. */
export function clamp(text: string, fromEnd: boolean): Clamped {
  const lines = text.split("\n");
  if (lines.length <= SHOWN_LINES + 4 && text.length <= SHOWN_CHARS) return { text, hidden: 0 };
  const kept = fromEnd ? lines.slice(-SHOWN_LINES) : lines.slice(0, SHOWN_LINES);
  const part = kept.join("\n");
  const cut = fromEnd ? part.slice(-SHOWN_CHARS) : part.slice(0, SHOWN_CHARS);
  return { text: cut, hidden: Math.max(1, lines.length - kept.length) };
}
