import type { ReactNode } from "react";
import type { DiffLine } from "../../../chat/diff/model";
import type { Colour, Run } from "../../../chat/markdown/grammars";
import runStyles from "../../../chat/parts/Coloured.module.css";
import { Button } from "../../../ui/Button";
import { classes } from "../../../ui/classes";
import { languageOf } from "../language";
import styles from "./DiffRow.module.css";
import { runsOf } from "./colours";
import type { PatchHunk } from "./patch";
import type { Row } from "./rows";

export interface RowTools {
  split: boolean;
  narrow: boolean;
  colour: Colour | null;
  chosen(hunk: PatchHunk, at: number): boolean;
  onChoose(path: string, hunk: PatchHunk, at: number, further: boolean): void;
  onWhole(path: string): void;
}

type LineRow = Exclude<Row, { type: "file" }>;

/** One row under a file's head. */
export function DiffRow({ row, height, tools }: { row: LineRow; height: number; tools: RowTools }): ReactNode {
  switch (row.type) {
    case "hunk":
      return (
        <div className={classes(styles.hunk, row.first && styles.first)} style={{ height }}>
          <span aria-hidden>⋯</span> {row.heading}
        </div>
      );
    case "note":
      return <Note row={row} height={height} onWhole={() => tools.onWhole(row.file.path)} />;
    case "line":
      return (
        <div className={styles.row} style={{ height }}>
          <Side row={row} line={row.line} at={row.at} tools={tools} numbers={tools.narrow ? "one" : "both"} />
        </div>
      );
    case "pair":
      return (
        <div className={classes(styles.row, styles.pair)} style={{ height }}>
          <Side row={row} line={row.pair.left} at={row.left} tools={tools} numbers="old" />
          <Side row={row} line={row.pair.right} at={row.right} tools={tools} numbers="new" />
        </div>
      );
  }
}

interface SideProps {
  row: Extract<LineRow, { type: "line" | "pair" }>;
  line: DiffLine | null;
  at: number;
  tools: RowTools;
  numbers: "both" | "one" | "old" | "new";
}

const SIGNS = { add: "+", remove: "−", same: " " } as const;
const KINDS = { add: "added", remove: "removed", same: "unchanged" } as const;

function Side({ row: { file, hunk }, line, at, tools, numbers }: SideProps): ReactNode {
  if (!line) return <div className={styles.side} data-kind="none" />;
  const language = languageOf(file.path);
  const runs = tools.colour && language ? runsOf(hunk.lines, at, language, tools.colour) : null;
  const label = `Line ${line.new ?? line.old ?? ""} (${KINDS[line.kind]}): choose to ask about it`;
  const shown = { both: [line.old, line.new], one: [line.new ?? line.old], old: [line.old], new: [line.new] }[numbers];
  return (
    <div className={classes(styles.side, tools.chosen(hunk, at) && styles.chosen)} data-kind={line.kind}>
      <button type="button" tabIndex={-1} className={styles.numbers} aria-label={label} onClick={(event) => tools.onChoose(file.path, hunk, at, event.shiftKey)}>
        {shown.map((number, index) => (
          <span key={index} className={styles.number}>
            {number}
          </span>
        ))}
      </button>
      <span className={styles.sign}>{SIGNS[line.kind]}</span>
      <span className={styles.text}>{pieces(line, runs)}</span>
    </div>
  );
}

/** The text in its colours, and what differs from the line's twin marked. */
function pieces({ text, mark }: DiffLine, runs: readonly Run[] | null): ReactNode {
  const all = runs ?? [{ text, kind: "" }];
  const marked = mark && mark[0] < mark[1] ? mark : null;
  if (!marked && !runs) return text;
  let place = 0;
  return all.flatMap((run) => {
    const from = place;
    place += run.text.length;
    const cuts = marked ? [from, ...marked.filter((cut) => cut > from && cut < place), place] : [from, place];
    return cuts.slice(1).map((end, index) => {
      const start = cuts[index] ?? from;
      const inside = marked !== null && start >= marked[0] && end <= marked[1];
      const piece = run.text.slice(start - from, end - from);
      return (
        <span key={start} className={classes(run.kind && runStyles.run, inside && styles.mark)} data-kind={run.kind || undefined}>
          {piece}
        </span>
      );
    });
  });
}

const NOTES = {
  unloaded: "",
  loading: "",
  binary: "A binary file: there are no lines to show.",
  same: "No lines changed: it is empty, or only its name or its rights changed.",
  large: "This change is large.",
  failed: "",
} as const;

function Note({ row: { note, file, loaded }, height, onWhole }: { row: Extract<LineRow, { type: "note" }>; height: number; onWhole: () => void }): ReactNode {
  const lines = file.added + file.removed;
  return (
    <div className={styles.note} style={{ height }} aria-busy={note === "loading" || undefined}>
      {note === "failed" && loaded?.state === "failed" ? loaded.problem.detail : NOTES[note]}
      {note === "large" && lines > 0 && ` ${lines.toLocaleString("en-US")} lines.`}
      {(note === "large" || note === "failed") && <Button onClick={onWhole}>{note === "large" ? "Load anyway" : "Try again"}</Button>}
      {(note === "loading" || note === "unloaded") && <span className={styles.bars} />}
    </div>
  );
}
