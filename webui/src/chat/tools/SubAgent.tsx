import { type ReactNode, useMemo, useState } from "react";
import type { ToolEntry } from "../core/view";
import { Markdown } from "../markdown/Markdown";
import { RowOf } from "../transcript/RowOf";
import { field } from "./describe";
import { fold } from "./fold";
import { Output } from "../parts/Output";
import styles from "./SubAgent.module.css";

/** What a sub-agent was asked, did and answered. */
export function SubAgent({ tool }: { tool: ToolEntry }): ReactNode {
  const [asked, setAsked] = useState(false);
  const rows = useMemo(() => fold(tool.children), [tool.children]);
  const prompt = field(tool.input, "prompt", "message", "task");
  return (
    <>
      {prompt !== "" && (
        <div>
          <button type="button" className={styles.toggle} aria-expanded={asked} onClick={() => setAsked(!asked)}>
            {asked ? "Hide what it was asked" : "What it was asked"}
          </button>
          {asked && <div className={styles.prompt}><Markdown text={prompt} /></div>}
        </div>
      )}
      {rows.map((row) => <RowOf key={row.key} row={row} small />)}
      {tool.state === "failed" && <Output text={tool.output} failed />}
      {tool.state === "ok" && tool.output !== "" && !said(tool) && <div className={styles.answer}><Markdown text={tool.output} /></div>}
    </>
  );
}

/** The answer often repeats the sub-agent's last words; once is enough. */
function said(tool: ToolEntry): boolean {
  const last = tool.children.findLast((child) => child.type === "block" && child.kind === "text");
  return last?.type === "block" && tool.output.includes(last.text.trim());
}
