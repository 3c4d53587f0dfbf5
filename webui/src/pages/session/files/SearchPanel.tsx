import { CaseSensitive, Regex } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { type Problem, asProblem } from "../../../api/problem";
import { ports } from "../../../ports";
import type { Found, Root, SearchResult } from "../../../ports/workspace";
import { IconButton } from "../../../ui/IconButton";
import { Input } from "../../../ui/Input";
import { Tabs } from "../../../ui/Tabs";
import styles from "./SearchPanel.module.css";
import { folderOf, nameOf } from "./paths";

export type FindKind = "name" | "content";

interface SearchPanelProps {
  session: string;
  root: Root;
  kind: FindKind;
  onKind(kind: FindKind): void;
  onOpen(path: string, line: number | null): void;
}

const SETTLE_MS = 220;
const MOST = 400;

/** Finds files by name or by what stands in them. Arrow keys move through what was found, Enter opens. */
export function SearchPanel({ session, root, kind, onKind, onOpen }: SearchPanelProps) {
  const [text, setText] = useState("");
  const [include, setInclude] = useState("");
  const [regex, setRegex] = useState(false);
  const [exact, setExact] = useState(false);
  const panel = useRef<HTMLDivElement>(null);
  const { result, problem, busy } = useSearch(session, root, { text, kind, regex, exact, include });
  const move = (event: React.KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const items = [...(panel.current?.querySelectorAll<HTMLElement>("[data-found]") ?? [])];
    if (!by || items.length === 0) return;
    event.preventDefault();
    const next = items.indexOf(document.activeElement as HTMLElement) + by;
    if (next < 0) panel.current?.querySelector("input")?.focus();
    else items[Math.min(next, items.length - 1)]?.focus();
  };
  return (
    <div ref={panel} className={styles.panel} role="search" onKeyDown={move}>
      <div className={styles.form}>
        <Tabs look="segments" label="What to search" tabs={[{ id: "name", label: "Names" }, { id: "content", label: "Contents" }]} current={kind} onChange={onKind} />
        <div className={styles.box}>
          <Input
            key={kind}
            autoFocus
            type="search"
            aria-label={kind === "name" ? "Part of a file's name" : "Words in files"}
            placeholder={kind === "name" ? "Part of a name" : "Words in files"}
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => event.key === "Enter" && panel.current?.querySelector<HTMLElement>("[data-found]")?.click()}
          />
          {kind === "content" && (
            <>
              <IconButton label="Match case" icon={<CaseSensitive />} pressed={exact} onClick={() => setExact(!exact)} />
              <IconButton label="Regular expression" icon={<Regex />} pressed={regex} onClick={() => setRegex(!regex)} />
            </>
          )}
        </div>
        {kind === "content" && <Input mono aria-label="Only in files like this" placeholder="only in, as *.py" value={include} onChange={(event) => setInclude(event.target.value)} />}
      </div>
      <p className={styles.sum} role="status" aria-busy={busy}>
        {problem ? <span className={styles.problem}>{[problem.detail, problem.hint].filter(Boolean).join(" ")}</span> : result ? sumOf(result, kind) : ""}
      </p>
      <div className={styles.results}>{result && groups(result.items).map((group) => <Group key={group.path} {...group} kind={kind} onOpen={onOpen} />)}</div>
    </div>
  );
}

function Group({ path, items, kind, onOpen }: { path: string; items: readonly Found[]; kind: FindKind; onOpen(path: string, line: number | null): void }) {
  const name = (
    <>
      <span>{nameOf(path)}</span>
      <span className={styles.folder}>{folderOf(path)}</span>
    </>
  );
  if (kind === "name") {
    return (
      <button type="button" data-found className={styles.file} title={path} onClick={() => onOpen(path, null)}>
        {name}
      </button>
    );
  }
  return (
    <section>
      <h3 className={styles.file} title={path}>{name}</h3>
      {items.map((item, index) => (
        <button key={index} type="button" data-found className={styles.line} onClick={() => onOpen(path, item.line)}>
          <span className={styles.number}>{item.line}</span>
          <span className={styles.text}>
            <Marked item={item} />
          </span>
        </button>
      ))}
    </section>
  );
}

function Marked({ item: { text, ranges } }: { item: Found }) {
  const start = Math.max(0, text.search(/\S/));
  const shift = Math.max(start, (ranges[0]?.[0] ?? 0) - 60);
  const pieces: React.ReactNode[] = shift > start ? ["…"] : [];
  let at = shift;
  ranges.forEach(([from, to], index) => {
    pieces.push(text.slice(at, Math.max(at, from)), <mark key={index} className={styles.mark}>{text.slice(Math.max(at, from), to)}</mark>);
    at = Math.max(at, to);
  });
  return [...pieces, text.slice(at)];
}

interface Wanted {
  text: string;
  kind: FindKind;
  regex: boolean;
  exact: boolean;
  include: string;
}

function useSearch(session: string, root: Root, { text, kind, regex, exact, include }: Wanted) {
  const [result, setResult] = useState<SearchResult>();
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    setProblem(undefined);
    if (text === "") return setResult(undefined);
    const abort = new AbortController();
    const timer = window.setTimeout(async () => {
      setBusy(true);
      try {
        const query = kind === "name" ? { text, kind, limit: MOST } : { text, kind, regex, case: exact, include, limit: MOST };
        setResult(await ports().workspace.search(session, root, query, abort.signal));
      } catch (error) {
        if (!abort.signal.aborted) {
          setResult(undefined);
          setProblem(asProblem(error));
        }
      } finally {
        if (!abort.signal.aborted) setBusy(false);
      }
    }, SETTLE_MS);
    return () => {
      window.clearTimeout(timer);
      abort.abort();
    };
  }, [session, root, text, kind, regex, exact, include]);
  return { result, problem, busy };
}

function groups(items: readonly Found[]): { path: string; items: Found[] }[] {
  const byPath = new Map<string, Found[]>();
  for (const item of items) byPath.set(item.path, [...(byPath.get(item.path) ?? []), item]);
  return [...byPath].map(([path, own]) => ({ path, items: own }));
}

function sumOf({ items, truncated }: SearchResult, kind: FindKind): string {
  if (items.length === 0) return kind === "name" ? "No file is called that." : "Nothing like that in any file.";
  const files = new Set(items.map((item) => item.path)).size;
  const words = kind === "name" ? `${files} ${files === 1 ? "file" : "files"}` : `${items.length} ${items.length === 1 ? "line" : "lines"} in ${files} ${files === 1 ? "file" : "files"}`;
  return truncated ? `The first ${words}; there are more.` : `${words}.`;
}
