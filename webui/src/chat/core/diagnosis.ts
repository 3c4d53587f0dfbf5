import type { Diagnosis } from "./frames";

export interface Diagnosed {
  mark: "waiting" | "working" | "failed";
  words: string;
  /** The words do not say for how long already. */
  timed: boolean;
}

const PLAIN = {
  fine: "working",
  waiting: "waiting for you",
  quiet: "model silent",
  tool: "tool running",
  stuck: "silent, and none of its processes does anything",
  dead: "dead: its process is gone",
} as const satisfies Record<Diagnosis["finding"], string>;

const MARKS = { fine: "working", waiting: "waiting", quiet: "working", tool: "working", stuck: "failed", dead: "failed" } as const;

/** A finding in one line; Skuld's own words where it has some. */
export function diagnosed({ finding, text }: Diagnosis): Diagnosed {
  const words = text || PLAIN[finding];
  return { mark: MARKS[finding], words, timed: !/\d+ ?(s|min|h)\b/.test(words) };
}
