import { useState } from "react";
import { asProblem } from "../../../api/problem";
import { ports } from "../../../ports";
import type { Root } from "../../../ports/workspace";
import { tell, tellProblem } from "../../../stores/toasts";
import { within } from "./paths";

interface Waiting {
  folder: string;
  file: File;
}

export interface Uploads {
  busy: boolean;
  /** Files that exist already: a person says whether they go. */
  taken: readonly Waiting[];
  upload(folder: string, files: readonly File[]): Promise<void>;
  overwrite(): Promise<void>;
  forget(): void;
}

/** Sends files into a folder. What is there already is not overwritten unasked. */
export function useUpload(session: string, root: Root, onDone: () => void): Uploads {
  const [busy, setBusy] = useState(false);
  const [taken, setTaken] = useState<readonly Waiting[]>([]);
  const send = async (waiting: readonly Waiting[], over: boolean) => {
    setBusy(true);
    const there: Waiting[] = [];
    let sent = 0;
    for (const one of waiting) {
      try {
        await ports().workspace.write(session, root, within(one.folder, one.file.name), one.file, over ? "anything" : "nothing");
        sent += 1;
      } catch (error) {
        const problem = asProblem(error);
        if (!over && (problem.status === 409 || problem.status === 412)) there.push(one);
        else tellProblem(problem);
      }
    }
    setBusy(false);
    setTaken(there);
    if (sent > 0) {
      tell(sent === 1 ? "1 file uploaded." : `${sent} files uploaded.`);
      onDone();
    }
  };
  return {
    busy,
    taken,
    upload: (folder, files) => send(files.map((file) => ({ folder, file })), false),
    overwrite: () => send(taken, true),
    forget: () => setTaken([]),
  };
}
