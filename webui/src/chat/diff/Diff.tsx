import { type ReactNode, useState } from "react";
import { plural } from "../format";
import { shortPath } from "../tools/describe";
import { Changes } from "./Changes";
import styles from "./Diff.module.css";
import type { DiffLine, FileDiff } from "./model";

const SHOWN = 80;

/** One file's changes: unified, numbered where the numbers are known, what differs within a line marked. */
export function Diff({ file, bare = false }: { file: FileDiff; bare?: boolean }): ReactNode {
  const [all, setAll] = useState(false);
  const lines = file.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);
  let left = all ? Number.POSITIVE_INFINITY : SHOWN;
  const hunks = file.hunks.map(({ lines: own }) => {
    const part = own.slice(0, Math.max(left, 0));
    left -= own.length;
    return part;
  });
  const numbered = file.hunks.some((hunk) => hunk.lines.some((line) => line.old !== null || line.new !== null));
  return (
    <figure className={styles.diff}>
      {!bare && (
        <figcaption className={styles.head}>
          <span className={styles.path} title={file.path}>{shortPath(file.path)}</span>
          <Changes added={file.added} removed={file.removed} />
        </figcaption>
      )}
      <div className={styles.scroll} tabIndex={0} role="region" aria-label={`Changes in ${file.path}`}>
        <table className={styles.table} data-numbered={numbered}>
          {hunks.map((part, at) => part.length > 0 && (
            <tbody key={at} className={styles.hunk}>
              {part.map((line, index) => <Line key={index} line={line} numbered={numbered} />)}
            </tbody>
          ))}
        </table>
      </div>
      {!all && lines > SHOWN && (
        <button type="button" className={styles.more} onClick={() => setAll(true)}>
          Show all {plural(lines, "line", "lines")}
        </button>
      )}
    </figure>
  );
}

const SIGNS = { add: "+", remove: "−", same: " " } as const;

function Line({ line, numbered }: { line: DiffLine; numbered: boolean }): ReactNode {
  return (
    <tr className={styles.line} data-kind={line.kind}>
      {numbered && <td className={styles.number}>{line.old}</td>}
      {numbered && <td className={styles.number}>{line.new}</td>}
      <td className={styles.sign}>{SIGNS[line.kind]}</td>
      <td className={styles.text}><Marked line={line} /></td>
    </tr>
  );
}

function Marked({ line: { text, mark } }: { line: DiffLine }): ReactNode {
  if (mark === null || mark[0] >= mark[1]) return text === "" ? "\n" : text;
  return (
    <>
      {text.slice(0, mark[0])}
      <span className={styles.mark}>{text.slice(mark[0], mark[1])}</span>
      {text.slice(mark[1])}
    </>
  );
}
