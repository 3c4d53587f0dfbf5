import type { Delta } from "./frames";
import { countPoints, pointsFrom } from "./points";
import type { BlockEntry } from "./view";

interface Growing {
  entry: BlockEntry;
  parent: string | null;
  /** Offsets count characters as Python does: code points, not UTF-16 units. */
  points: number;
}

export function blockKey(id: string, block: number): string {
  return `block:${id}:${block}`;
}

/** The unfinished blocks, assembled from deltas. Losing or repeating a delta does no harm: what is known is skipped. */
export class LiveBlocks {
  private readonly growing = new Map<string, Growing>();

  /** True when the delta changed something. */
  apply(delta: Delta): boolean {
    const key = blockKey(delta.id, delta.block);
    const known = this.growing.get(key);
    if (delta.offset === 0 || known === undefined) {
      // The middle of a block we never saw begin: the whole block will come; half a sentence helps nobody.
      if (delta.offset !== 0) return false;
      return this.start(key, delta, known);
    }
    if (delta.offset > known.points) return false;
    const fresh = pointsFrom(delta.text, known.points - delta.offset);
    if (fresh === "") return false;
    known.points += countPoints(fresh);
    known.entry = { ...known.entry, text: known.entry.text + fresh };
    return true;
  }

  private start(key: string, delta: Delta, known: Growing | undefined): boolean {
    if (known !== undefined && known.entry.text === delta.text) return false;
    const entry: BlockEntry = {
      type: "block",
      key,
      at: "",
      id: delta.id,
      block: delta.block,
      kind: delta.kind,
      text: delta.text,
      streaming: true,
    };
    this.growing.set(key, { entry, parent: delta.parent, points: countPoints(delta.text) });
    return true;
  }

  drop(key: string): boolean {
    return this.growing.delete(key);
  }

  clear(): boolean {
    const had = this.growing.size > 0;
    this.growing.clear();
    return had;
  }

  /** Parent ("" for the agent itself) to its unfinished blocks. */
  byParent(): Map<string, BlockEntry[]> {
    const groups = new Map<string, BlockEntry[]>();
    for (const { entry, parent } of this.growing.values()) {
      const group = groups.get(parent ?? "");
      if (group) group.push(entry);
      else groups.set(parent ?? "", [entry]);
    }
    return groups;
  }
}
