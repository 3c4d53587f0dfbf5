import { useCallback, useMemo, useState } from "react";
import type { ChangedFile } from "../../../ports/workspace";

const MANY = 60;

interface Folds {
  folded: ReadonlySet<string>;
  fold(path: string): void;
  /** Tick a file off, or not: what was looked at closes, what was not opens. */
  tick(file: ChangedFile): void;
}

/** Which files are closed: those viewed, and where there are very many, all; until a person says otherwise. */
export function useFolds(files: readonly ChangedFile[], isViewed: (file: ChangedFile) => boolean, toggleViewed: (file: ChangedFile) => void): Folds {
  const [said, setSaid] = useState<ReadonlyMap<string, boolean>>(new Map());
  const closed = files.filter((file) => said.get(file.path) ?? (isViewed(file) || files.length > MANY)).map((file) => file.path);
  const key = closed.join("\0");
  // The same set for the same files: laying out all rows again costs more than this.
  const folded = useMemo<ReadonlySet<string>>(() => new Set(key === "" ? [] : key.split("\0")), [key]);
  const say = useCallback((path: string, fold: boolean) => setSaid((all) => new Map(all).set(path, fold)), []);
  return {
    folded,
    fold: (path) => say(path, !folded.has(path)),
    tick: (file) => {
      say(file.path, !isViewed(file));
      toggleViewed(file);
    },
  };
}
