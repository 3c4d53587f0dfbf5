import { memo, type ReactNode } from "react";
import { useOpen } from "../context";
import { Changes } from "../diff/Changes";
import { diffsOf } from "../diff/read";
import { describe, describeRun } from "./describe";
import type { Run } from "./fold";
import { ToolIcon } from "./ToolIcon";
import { ToolLine } from "./ToolLine";
import lines from "./ToolLine.module.css";
import { ToolMark } from "./ToolMark";

export const ToolRun = memo(ToolRunOf);

/** A run of the same tool in one line: "Read 6 files". */
function ToolRunOf({ run }: { run: Run }): ReactNode {
  const [open, toggle] = useOpen(run.key);
  const last = run.tools.at(-1);
  const kind = run.tools[0]?.kind ?? "other";
  const busy = run.tools.some((tool) => tool.state === "running");
  const diffs = kind === "edit" ? run.tools.flatMap((tool) => diffsOf(tool.input, tool.detail)) : [];
  const sum = (name: "added" | "removed"): number => diffs.reduce((all, diff) => all + diff[name], 0);
  return (
    <div className={lines.tool}>
      <button type="button" className={lines.line} aria-expanded={open} onClick={toggle}>
        <ToolIcon kind={kind} />
        <span className={lines.verb}>{describeRun(run.tools)}</span>
        {busy && last && <span className={lines.object} data-code="true">{describe(last).object}</span>}
        <span className={lines.facts}>{diffs.length > 0 && <Changes added={sum("added")} removed={sum("removed")} />}</span>
        <ToolMark state={busy ? "running" : "ok"} />
      </button>
      {open && <div className={lines.body} data-tight>{run.tools.map((tool) => <ToolLine key={tool.key} tool={tool} />)}</div>}
    </div>
  );
}
