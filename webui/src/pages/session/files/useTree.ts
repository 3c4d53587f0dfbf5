import { useCallback, useEffect, useState } from "react";
import { type Problem, asProblem } from "../../../api/problem";
import { ports } from "../../../ports";
import type { Entry, Root } from "../../../ports/workspace";
import { above } from "./paths";

interface Folder {
  entries: readonly Entry[];
  next: string | null;
  problem?: Problem;
}

export type TreeRow =
  | { type: "entry"; entry: Entry; depth: number; open: boolean }
  | { type: "more"; folder: string; depth: number; cursor: string }
  | { type: "problem"; folder: string; depth: number; problem: Problem }
  | { type: "empty"; folder: string; depth: number };

export interface Tree {
  rows: readonly TreeRow[];
  problem: Problem | undefined;
  loaded: boolean;
  toggle(path: string): void;
  more(folder: string, cursor: string): void;
  /** Look again at every folder that is open. */
  refresh(): Promise<void>;
}

/** The folders of a session, each fetched when it is opened. `version` grows when something may have changed. */
export function useTree(session: string, root: Root, shown: string | undefined, version: number): Tree {
  const [folders, setFolders] = useState<ReadonlyMap<string, Folder>>(new Map());
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set([""]));
  const load = useCallback(
    async (path: string, cursor?: string) => {
      try {
        const { entries, next } = await ports().workspace.list(session, root, path, cursor);
        setFolders((all) => new Map(all).set(path, { entries: cursor ? [...(all.get(path)?.entries ?? []), ...entries] : entries, next }));
      } catch (error) {
        setFolders((all) => new Map(all).set(path, { entries: all.get(path)?.entries ?? [], next: null, problem: asProblem(error) }));
      }
    },
    [session, root],
  );
  useEffect(() => {
    setFolders(new Map());
    setOpen(new Set([""]));
  }, [session, root]);
  useEffect(() => {
    if (shown) setOpen((all) => new Set([...all, ...above(shown)]));
  }, [shown]);
  const refresh = useCallback(async () => void (await Promise.all([...open].map((path) => load(path)))), [open, load]);
  // When the agent did something, all that is open may be another.
  useEffect(() => void refresh(), [refresh, version]);
  const toggle = (path: string) =>
    setOpen((all) => {
      const now = new Set(all);
      if (!now.delete(path)) now.add(path);
      return now;
    });
  const top = folders.get("");
  return { rows: rowsOf(folders, open, "", 0), problem: top?.problem, loaded: top !== undefined, toggle, more: (folder, cursor) => void load(folder, cursor), refresh };
}

function rowsOf(folders: ReadonlyMap<string, Folder>, open: ReadonlySet<string>, path: string, depth: number): TreeRow[] {
  const folder = folders.get(path);
  if (!folder) return [];
  const rows = folder.entries.flatMap((entry): TreeRow[] => {
    const isOpen = entry.kind === "folder" && open.has(entry.path);
    return [{ type: "entry", entry, depth, open: isOpen }, ...(isOpen ? rowsOf(folders, open, entry.path, depth + 1) : [])];
  });
  if (folder.problem && depth > 0) rows.push({ type: "problem", folder: path, depth, problem: folder.problem });
  else if (folder.entries.length === 0 && depth > 0) rows.push({ type: "empty", folder: path, depth });
  if (folder.next) rows.push({ type: "more", folder: path, depth, cursor: folder.next });
  return rows;
}
