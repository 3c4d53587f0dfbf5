import { useCallback, useEffect, useRef, useState } from "react";
import { type Problem, asProblem } from "../../../api/problem";
import { ports } from "../../../ports";
import type { Root } from "../../../ports/workspace";
import { tell, tellProblem } from "../../../stores/toasts";
import { buffers } from "./buffers";
import { MOST_AT_ALL, MOST_TEXT, type Shown, imageType, shownAs } from "./content";

export interface OpenFile {
  shown: Shown | undefined;
  problem: Problem | undefined;
  /** What the editor begins with: what was typed before, or what the file holds. */
  first: string;
  /** What the file holds now. */
  fresh: string;
  dirty: boolean;
  saving: boolean;
  /** The file is another on the disk than the one that was edited. */
  outdated: boolean;
  /** Saving found it so: a person has to say which one counts. */
  conflict: boolean;
  type(text: () => string): void;
  save(): Promise<void>;
  overwrite(): Promise<void>;
  reload(): Promise<void>;
  settle(): void;
  loadAnyway(): void;
}

interface State {
  shown?: Shown;
  problem?: Problem;
  first: string;
  fresh: string;
  dirty: boolean;
  saving: boolean;
  outdated: boolean;
  conflict: boolean;
}

const NOTHING: State = { first: "", fresh: "", dirty: false, saving: false, outdated: false, conflict: false };

/** One file, opened to be read and edited. `version` grows when the agent may have changed it. */
export function useFile(session: string, root: Root, path: string, version: number, onSaved: () => void): OpenFile {
  const [state, setState] = useState<State>(NOTHING);
  const typed = useRef<(() => string) | undefined>(undefined);
  const revision = useRef("");
  const most = useRef(MOST_TEXT);
  const put = useCallback((change: Partial<State>) => setState((old) => ({ ...old, ...change })), []);
  const read = useCallback(async () => {
    const limit = imageType(path) ? MOST_AT_ALL : most.current;
    return shownAs(path, await ports().workspace.read(session, root, path, limit));
  }, [session, root, path]);
  const open = useCallback(
    async (forget: boolean) => {
      try {
        const shown = await read();
        if (forget) buffers.drop(session, root, path);
        const kept = shown.kind === "text" ? buffers.get(session, root, path) : undefined;
        const now = shown.kind === "text" ? shown.text : "";
        typed.current = kept && (() => kept.text);
        revision.current = kept?.revision ?? (shown.kind === "text" ? shown.revision : "");
        const outdated = kept !== undefined && shown.kind === "text" && shown.revision !== kept.revision;
        setState({ ...NOTHING, shown, first: kept?.text ?? now, fresh: kept?.text ?? now, dirty: kept !== undefined, outdated });
      } catch (error) {
        setState({ ...NOTHING, problem: asProblem(error) });
      }
    },
    [read, session, root, path],
  );
  useEffect(() => {
    void open(false);
  }, [open]);
  const dirty = useRef(false);
  dirty.current = state.dirty;
  useEffect(() => {
    let here = true;
    const look = async () => {
      const shown = await read().catch(() => undefined);
      if (!here || shown?.kind !== "text" || shown.revision === revision.current) return;
      if (dirty.current) return put({ outdated: true });
      revision.current = shown.revision;
      put({ shown, fresh: shown.text });
    };
    if (version > 0) void look();
    return () => void (here = false);
  }, [version, read, put]);
  const write = async (over: boolean) => {
    const text = typed.current?.();
    if (text === undefined) return;
    put({ saving: true, conflict: false });
    try {
      const expected = over ? "anything" : { revision: revision.current };
      const entry = await ports().workspace.write(session, root, path, new Blob([text]), expected);
      revision.current = entry.revision ?? "";
      const unchanged = typed.current?.() === text;
      if (unchanged) {
        typed.current = undefined;
        buffers.drop(session, root, path);
      } else buffers.keep(session, root, path, { text: typed.current?.() ?? text, revision: revision.current });
      put({ saving: false, dirty: !unchanged, outdated: false, ...(unchanged ? { fresh: text } : {}) });
      tell("Saved.");
      onSaved();
    } catch (error) {
      const problem = asProblem(error);
      put({ saving: false, conflict: problem.status === 409 || problem.status === 412 });
      if (problem.status !== 409 && problem.status !== 412) tellProblem(problem);
    }
  };
  return {
    ...state,
    shown: state.shown,
    problem: state.problem,
    type(text) {
      typed.current = text;
      buffers.keep(session, root, path, { text: text(), revision: revision.current });
      if (!dirty.current) put({ dirty: true });
    },
    save: () => write(false),
    overwrite: () => write(true),
    reload: () => open(true),
    settle: () => put({ conflict: false }),
    loadAnyway: () => {
      most.current = MOST_AT_ALL;
      void open(false);
    },
  };
}
