import type { Entry, ToolEntry } from "./view";

/**
 * Entries in order, nested by sub-agent. Changing one entry makes new objects only for it and the calls around it, so that
 * a view of 10,000 entries costs one array copy and not 10,000 objects.
 */
export class Shelf {
  private readonly known = new Map<string, Entry>();
  private readonly parents = new Map<string, string>();
  private readonly children = new Map<string, string[]>();
  private readonly tails = new Map<string, readonly Entry[]>();
  private readonly places = new Map<string, number>();
  private readonly top: Entry[] = [];
  private readonly dirty = new Set<string>();
  private shown: readonly Entry[] = [];
  private changed = false;

  has(key: string): boolean {
    return this.known.has(key);
  }

  get(key: string): Entry | undefined {
    return this.known.get(key);
  }

  /** Put an entry at the end, or at the end of what `parent` did. An unknown parent is older than the window: then at the end. */
  add(entry: Entry, parent: string | null): void {
    this.known.set(entry.key, entry);
    if (parent !== null && this.known.get(parent)?.type === "tool") {
      this.parents.set(entry.key, parent);
      const siblings = this.children.get(parent);
      if (siblings) siblings.push(entry.key);
      else this.children.set(parent, [entry.key]);
      this.touch(parent);
    } else {
      this.places.set(entry.key, this.top.length);
      this.top.push(entry);
      this.changed = true;
    }
  }

  set(entry: Entry): void {
    this.known.set(entry.key, entry);
    this.touch(entry.key);
  }

  /** Take a top-level entry out again. */
  remove(key: string): void {
    const place = this.places.get(key);
    if (place === undefined) return;
    this.known.delete(key);
    this.places.delete(key);
    this.dirty.delete(key);
    this.top.splice(place, 1);
    for (const [other, at] of this.places) if (at > place) this.places.set(other, at - 1);
    this.changed = true;
  }

  /** The unfinished blocks of one sub-agent, shown after what it did. */
  setTail(parent: string, tail: readonly Entry[]): void {
    if (tail.length === 0 && !this.tails.has(parent)) return;
    if (tail.length === 0) this.tails.delete(parent);
    else this.tails.set(parent, tail);
    this.touch(parent);
  }

  entries(): readonly Entry[] {
    if (!this.changed && this.dirty.size === 0) return this.shown;
    for (const key of this.dirty) {
      const place = this.places.get(key);
      if (place !== undefined) this.top[place] = this.resolve(key);
    }
    this.dirty.clear();
    this.changed = false;
    this.shown = this.top.slice();
    return this.shown;
  }

  private touch(key: string): void {
    for (let at: string | undefined = key; at !== undefined; at = this.parents.get(at)) this.dirty.add(at);
  }

  private resolve(key: string): Entry {
    const entry = this.known.get(key) as Entry;
    if (entry.type !== "tool" || !this.dirty.has(key)) return entry;
    const keys = this.children.get(key) ?? [];
    const tail = this.tails.get(key) ?? [];
    if (keys.length === 0 && tail.length === 0 && entry.children.length === 0) return entry;
    const whole: ToolEntry = { ...entry, children: [...keys.map((child) => this.resolve(child)), ...tail] };
    this.known.set(key, whole);
    return whole;
  }
}
