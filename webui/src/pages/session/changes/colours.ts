import type { DiffLine } from "../../../chat/diff/model";
import type { Colour, Run } from "../../../chat/markdown/grammars";

/** Lines coloured at once: few enough for a frame, enough that most comments and strings end within. */
const CHUNK = 200;
const LONGEST = 20_000;

export type LineRuns = ReadonlyMap<DiffLine, readonly Run[]>;

const known = new WeakMap<readonly DiffLine[], Map<number, LineRuns>>();

/** The coloured runs of one line of a hunk; null when its language has no colours. */
export function runsOf(lines: readonly DiffLine[], at: number, language: string, colour: Colour): readonly Run[] | null {
  const chunk = Math.floor(at / CHUNK);
  let chunks = known.get(lines);
  if (!chunks) known.set(lines, (chunks = new Map()));
  let runs = chunks.get(chunk);
  if (!runs) chunks.set(chunk, (runs = colourChunk(lines.slice(chunk * CHUNK, (chunk + 1) * CHUNK), language, colour)));
  const line = lines[at];
  return (line && runs.get(line)) ?? null;
}

function colourChunk(lines: readonly DiffLine[], language: string, colour: Colour): LineRuns {
  const runs = new Map<DiffLine, readonly Run[]>();
  // Each side is a text of its own: colours of what was there must not bleed into what is.
  for (const gone of ["add", "remove"] as const) {
    const side = lines.filter((line) => line.kind !== gone);
    const text = side.map((line) => line.text).join("\n");
    const coloured = text.length > LONGEST ? null : colour(text, language);
    if (!coloured) continue;
    byLine(coloured).forEach((own, index) => {
      const line = side[index];
      if (line) runs.set(line, own);
    });
  }
  return runs;
}

/** Runs of a text, cut at its line ends. */
export function byLine(runs: readonly Run[]): readonly (readonly Run[])[] {
  const lines: Run[][] = [[]];
  for (const { text, kind } of runs) {
    text.split("\n").forEach((part, index) => {
      if (index > 0) lines.push([]);
      if (part) lines.at(-1)?.push({ text: part, kind });
    });
  }
  return lines;
}
