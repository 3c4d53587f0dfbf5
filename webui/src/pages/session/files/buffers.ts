import type { Root } from "../../../ports/workspace";

/** What was typed into a file and is not saved: it outlives the view, so that looking elsewhere loses nothing. */
export interface Buffer {
  text: string;
  /** The state of the file that was edited. */
  revision: string;
}

const kept = new Map<string, Buffer>();
const keyOf = (session: string, root: Root, path: string) => `${session}\0${root}\0${path}`;

export const buffers = {
  get: (session: string, root: Root, path: string): Buffer | undefined => kept.get(keyOf(session, root, path)),
  keep: (session: string, root: Root, path: string, buffer: Buffer): void => void kept.set(keyOf(session, root, path), buffer),
  drop: (session: string, root: Root, path: string): void => void kept.delete(keyOf(session, root, path)),
  any: (): boolean => kept.size > 0,
};
