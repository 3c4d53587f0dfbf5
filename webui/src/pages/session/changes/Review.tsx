import { Columns2, FileDiff, RefreshCw, Rows3 } from "lucide-react";
import { useCallback, useMemo, useRef, useState } from "react";
import { useColour } from "../../../chat/markdown/highlight";
import { Changes as Counts } from "../../../chat/diff/Changes";
import type { Changes } from "../../../ports/workspace";
import { type Known, useChanges } from "../../../stores/changes";
import { usePreferences } from "../../../stores/preferences";
import { Empty } from "../../../ui/Empty";
import { IconButton } from "../../../ui/IconButton";
import { NARROW, useMedia } from "../../../ui/useMedia";
import { Against } from "./Against";
import { AskBar } from "./AskBar";
import { DiffRow } from "./DiffRow";
import { DiffRows } from "./DiffRows";
import { FileHead } from "./FileHead";
import { FileList } from "./FileList";
import styles from "./Review.module.css";
import { type Choice, choose, placeOf, quoteOf } from "./choice";
import type { PatchHunk } from "./patch";
import { type Row, lay } from "./rows";
import { useDiffKeys } from "./useDiffKeys";
import { useFolds } from "./useFolds";
import { useLayout } from "./useLayout";
import { usePatches } from "./usePatches";
import { useSteps } from "./useSteps";
import { useViewed } from "./useViewed";

interface ReviewProps {
  session: string;
  known: Known;
  report: Changes;
  onAsk(words: string): void;
}

const ROOM_FOR_LIST = "(min-width: 900px)";

/** All changed files, one under the other, with a list of them beside where there is room. */
export function Review({ session, known, report, onAsk }: ReviewProps) {
  const box = useRef<HTMLDivElement>(null);
  const narrow = useMedia(NARROW);
  const listed = useMedia(ROOM_FOR_LIST);
  const split = usePreferences((state) => state.splitDiff) && !narrow;
  const [filter, setFilter] = useState("");
  const [choice, setChoice] = useState<Choice>();
  const [top, setTop] = useState(0);
  const { loaded, want } = usePatches(session, known.against, known.version);
  const viewed = useViewed(session);
  const files = useMemo(() => report.files.filter((file) => file.path.toLowerCase().includes(filter.toLowerCase())), [report, filter]);
  const isViewed = (file: (typeof files)[number]) => viewed.has(file, loaded.get(file.path));
  const { folded, fold, tick } = useFolds(report.files, isViewed, (file) => viewed.toggle(file, loaded.get(file.path)));
  const { gutter, measures } = useLayout(box, split, useMemo(() => digitsOf(files), [files]));
  const { columns, line, head, note } = measures;
  const laid = useMemo(() => lay(files, loaded, folded, split, { columns, line, head, note }), [files, loaded, folded, split, columns, line, head, note]);
  const colour = useColour("", "python");
  const current = laid.rows[top]?.file;
  const steps = useSteps(box, laid, top);
  const onView = useCallback(
    (first: number, last: number, at: number) => {
      setTop(at);
      for (const row of laid.rows.slice(first, last + 1)) if (row.type !== "file" && !row.file.binary && (!row.file.large || loaded.has(row.file.path))) want(row.file.path);
    },
    [laid, loaded, want],
  );
  const ask = () => {
    const asked = choice ?? steps.hunkHere();
    if (asked) onAsk(quoteOf(asked));
  };
  const onChoose = (path: string, hunk: PatchHunk, at: number, further: boolean) => setChoice((before) => choose(before, path, hunk, at, further));
  useDiffKeys({
    j: () => steps.file(1),
    k: () => steps.file(-1),
    n: () => steps.change(1),
    p: () => steps.change(-1),
    a: ask,
    ...(current ? { v: () => tick(current), o: () => fold(current.path) } : {}),
    ...(choice ? { Escape: () => setChoice(undefined) } : {}),
  });
  const chosen = (hunk: PatchHunk, at: number) => choice !== undefined && choice.hunk === hunk && at >= choice.from && at <= choice.to;
  const tools = { split, narrow, colour, chosen, onChoose, onWhole: (path: string) => want(path, true) };
  const draw = (row: Row, height: number) =>
    row.type === "file" ? (
      <FileHead
        file={row.file}
        folded={folded.has(row.file.path)}
        viewed={isViewed(row.file)}
        current={row.file === current}
        height={height}
        onFold={() => fold(row.file.path)}
        onViewed={() => tick(row.file)}
      />
    ) : (
      <DiffRow row={row} height={height} tools={tools} />
    );
  return (
    <div className={styles.review}>
      <Bar session={session} known={known} report={report} seen={report.files.filter(isViewed).length} narrow={narrow} />
      {report.files.length === 0 ? (
        <Empty icon={<FileDiff />} title={report.base ? "Nothing is changed." : "There is nothing to compare with."}>
          {report.base
            ? `Compared with ${report.base.ref}. What the agent changes appears here as it works.`
            : "The workspace is not a git repository, or holds nothing yet. In a git repository, what the agent changes appears here as it works."}
        </Empty>
      ) : (
        <div className={styles.body}>
          {listed && <FileList files={files} all={report.files.length} current={current?.path} filter={filter} viewed={isViewed} onFilter={setFilter} onPick={steps.to} />}
          <DiffRows box={box} laid={laid} line={line} gutter={gutter} draw={draw} onView={onView} />
          {choice && <AskBar place={placeOf(choice)} onAsk={ask} onClose={() => setChoice(undefined)} />}
        </div>
      )}
    </div>
  );
}

function Bar({ session, known, report, seen, narrow }: { session: string; known: Known; report: Changes; seen: number; narrow: boolean }) {
  const { splitDiff, set } = usePreferences();
  const { against, refresh } = useChanges.getState();
  const count = report.files.length;
  return (
    <div className={styles.bar}>
      <span className={styles.sum}>
        {count} {count === 1 ? "file" : "files"} <Counts added={report.added} removed={report.removed} />
        {report.truncated && " · there are more than can be listed"}
        {known.problem && <span className={styles.problem}>{known.problem.detail}</span>}
      </span>
      {count > 0 && !narrow && (
        <span className={styles.seen}>
          {seen} of {count} viewed
        </span>
      )}
      <Against session={session} against={known.against} onChange={(ref) => against(session, ref)} />
      {!narrow && (
        <IconButton label={splitDiff ? "One column" : "Side by side"} icon={splitDiff ? <Rows3 /> : <Columns2 />} onClick={() => set({ splitDiff: !splitDiff })} />
      )}
      <IconButton label="Look again" icon={<RefreshCw />} aria-busy={known.busy || undefined} onClick={() => void refresh(session)} />
    </div>
  );
}

/** Room for the longest line number there may be. */
function digitsOf(files: Changes["files"]): number {
  const most = Math.max(0, ...files.map((file) => file.added + file.removed));
  return Math.max(4, String(most).length);
}
