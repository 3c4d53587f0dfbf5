import { useEffect, useState } from "react";
import { type Problem, asProblem } from "../../api/problem";
import type { FolderListing } from "../../api/types";
import { ports } from "../../ports";

const TYPING_MS = 180;

interface Folders {
  /** The last listing that could be made: typing half a name does not blank the picker. */
  listing: FolderListing | undefined;
  problem: Problem | undefined;
}

/** What is in this folder, asked for once typing pauses. */
export function useFolders(path: string): Folders {
  const [folders, setFolders] = useState<Folders>({ listing: undefined, problem: undefined });
  useEffect(() => {
    let current = true;
    const timer = window.setTimeout(
      async () => {
        try {
          const listing = await ports().system.folders(path);
          if (current) setFolders({ listing, problem: undefined });
        } catch (error) {
          if (current) setFolders((old) => ({ ...old, problem: asProblem(error) }));
        }
      },
      path ? TYPING_MS : 0,
    );
    return () => {
      current = false;
      window.clearTimeout(timer);
    };
  }, [path]);
  return folders;
}
