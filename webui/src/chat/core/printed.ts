import type { ToolPrinted } from "./frames";
import { countPoints, pointsFrom } from "./points";

interface Known {
  /** Characters before `text` that are not kept. */
  from: number;
  points: number;
  text: string;
}

export interface LiveOutput {
  text: string;
  cut: boolean;
}

/** What is kept of one running tool's output; twice that is held before it is cut down again. */
const KEPT = 24_000;

/** What running tools print, from the live frames: its end only, so that a tool that prints for an hour costs no more. */
export class Printed {
  private readonly tools = new Map<string, Known>();

  /** True when it changed something: a piece that is known already does not. */
  take({ id, offset, text }: ToolPrinted): boolean {
    const known = this.tools.get(id);
    if (!known || offset > known.points) {
      this.tools.set(id, bounded({ from: offset, points: offset + countPoints(text), text }));
      return text !== "";
    }
    const fresh = pointsFrom(text, known.points - offset);
    if (fresh === "") return false;
    this.tools.set(id, bounded({ from: known.from, points: known.points + countPoints(fresh), text: known.text + fresh }));
    return true;
  }

  get(id: string): LiveOutput {
    const known = this.tools.get(id);
    return { text: known?.text ?? "", cut: (known?.from ?? 0) > 0 };
  }

  drop(id: string): void {
    this.tools.delete(id);
  }

  clear(): void {
    this.tools.clear();
  }
}

function bounded(known: Known): Known {
  if (known.text.length <= 2 * KEPT) return known;
  const cut = known.text.slice(-KEPT);
  // From the beginning of a line, where there is one: half a line reads as a whole one.
  const line = cut.indexOf("\n") + 1;
  const text = cut.slice(line < KEPT / 2 ? line : 0);
  return { ...known, from: Math.max(1, known.points - countPoints(text)), text };
}
