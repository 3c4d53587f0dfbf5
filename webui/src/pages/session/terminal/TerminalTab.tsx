import { Eye, Plus, SquareTerminal, X } from "lucide-react";
import { type KeyboardEvent, useCallback, useEffect, useRef, useState } from "react";
import { type Problem, asProblem } from "../../../api/problem";
import type { Session } from "../../../api/types";
import { ports } from "../../../ports";
import type { TerminalInfo } from "../../../ports/terminals";
import { tellProblem } from "../../../stores/toasts";
import { Button } from "../../../ui/Button";
import { Empty } from "../../../ui/Empty";
import { IconButton } from "../../../ui/IconButton";
import { classes } from "../../../ui/classes";
import { WhileRunning } from "../WhileRunning";
import { TerminalScreen } from "./TerminalScreen";
import styles from "./TerminalTab.module.css";

const SIZE = { columns: 100, rows: 30 };
/** Which terminal was open in each session, as long as the page lives. */
const lastOpen = new Map<string, string>();

/** Shells in the session's workspace. They live with the session, not with this page. */
export default function TerminalTab({ session }: { session: Session }) {
  return (
    <WhileRunning session={session} what="Its terminals" icon={<SquareTerminal />}>
      <Terminals id={session.id} />
    </WhileRunning>
  );
}

function Terminals({ id }: { id: string }) {
  const { terminals, problem, busy, load, create, end } = useTerminals(id);
  const [wanted, setWanted] = useState(() => lastOpen.get(id));
  const [view, setView] = useState(false);
  const [titles, setTitles] = useState<ReadonlyMap<string, string>>(new Map());
  const bar = useRef<HTMLDivElement>(null);
  const pick = (next: string) => {
    lastOpen.set(id, next);
    setWanted(next);
  };
  const make = async () => {
    const made = await create();
    if (made) pick(made.id);
  };
  if (problem && !terminals) {
    return (
      <Empty icon={<SquareTerminal />} title={problem.detail} action={<Button onClick={() => void load()}>Try again</Button>}>
        {problem.hint}
      </Empty>
    );
  }
  if (!terminals) return null;
  const current = terminals.find((each) => each.id === wanted) ?? terminals[0];
  if (!current) {
    return (
      <Empty icon={<SquareTerminal />} title="No terminal is open." action={<Button look="primary" icon={<Plus />} busy={busy} onClick={() => void make()}>New terminal</Button>}>
        A shell in the session's workspace, beside the agent. It stays when you leave this page.
      </Empty>
    );
  }
  const name = (each: TerminalInfo) => titles.get(each.id) || each.title || each.command || "shell";
  return (
    <div className={styles.terminals}>
      <div ref={bar} className={styles.bar}>
        <div role="tablist" aria-label="Terminals" className={styles.tabs} onKeyDown={(event) => step(event, terminals, current, pick)}>
          {terminals.map((each) => (
            <span key={each.id} className={classes(styles.tab, each === current && styles.current)}>
              <button type="button" role="tab" data-terminal-tab={each.id} aria-selected={each === current} tabIndex={each === current ? 0 : -1} className={styles.name} title={name(each)} onClick={() => pick(each.id)}>
                {name(each)}
                {!each.alive && <span className={styles.ended}> ended</span>}
              </button>
              <IconButton label={`Close ${name(each)}`} icon={<X />} className={styles.close} onClick={() => void end(each.id)} />
            </span>
          ))}
        </div>
        <IconButton label="New terminal" icon={<Plus />} disabled={busy} onClick={() => void make()} />
        <span className={styles.space} />
        <IconButton label={view ? "Type again" : "Only look: nothing you type is sent"} icon={<Eye />} pressed={view} onClick={() => setView(!view)} />
      </div>
      <TerminalScreen
        key={`${current.id} ${view}`}
        session={id}
        id={current.id}
        name={name(current)}
        view={view}
        onTitle={(text) => setTitles((all) => new Map(all).set(current.id, text))}
        onLeave={() => bar.current?.querySelector<HTMLElement>("[aria-selected=true]")?.focus()}
      />
    </div>
  );
}

function step(event: KeyboardEvent, all: readonly TerminalInfo[], current: TerminalInfo, pick: (id: string) => void): void {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const next = by && all.at((all.indexOf(current) + by) % all.length);
  if (!next) return;
  event.preventDefault();
  pick(next.id);
}

function useTerminals(session: string) {
  const [terminals, setTerminals] = useState<readonly TerminalInfo[]>();
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  const load = useCallback(async () => {
    try {
      setTerminals(await ports().terminals.list(session));
      setProblem(undefined);
    } catch (error) {
      setProblem(asProblem(error));
    }
  }, [session]);
  useEffect(() => void load(), [load]);
  const create = async (): Promise<TerminalInfo | undefined> => {
    setBusy(true);
    try {
      const made = await ports().terminals.create(session, "", SIZE);
      await load();
      return made;
    } catch (error) {
      tellProblem(error);
      return undefined;
    } finally {
      setBusy(false);
    }
  };
  const end = async (id: string) => {
    // One whose program has ended is gone already: that is what was wanted.
    await ports().terminals.end(session, id).catch((error: unknown) => asProblem(error).status !== 404 && tellProblem(error));
    await load();
  };
  return { terminals, problem, busy, load, create, end };
}
