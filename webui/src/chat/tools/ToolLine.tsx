import { memo, type ReactNode } from "react";
import { useOpen } from "../context";
import type { ToolEntry } from "../core/view";
import { Changes } from "../diff/Changes";
import { diffsOf } from "../diff/read";
import { plural } from "../format";
import { describe, type Line } from "./describe";
import { Elapsed } from "./Elapsed";
import { lineThatMatters } from "./output";
import { ToolBody } from "./ToolBody";
import { ToolIcon } from "./ToolIcon";
import styles from "./ToolLine.module.css";
import { ToolMark } from "./ToolMark";

export const ToolLine = memo(ToolLineOf);

/** One call, one quiet line; it opens in place. A failure says why without being opened. */
function ToolLineOf({ tool }: { tool: ToolEntry }): ReactNode {
  const [open, toggle] = useOpen(tool.key);
  const line = describe(tool);
  const cause = tool.state === "failed" && !open ? lineThatMatters(tool.output) : "";
  const now = tool.kind === "agent" && !open ? latest(tool) : null;
  return (
    <div className={styles.tool} data-state={tool.state}>
      <button type="button" className={styles.line} aria-expanded={open} onClick={toggle} title={line.code ? line.object : undefined}>
        <ToolIcon kind={tool.kind} />
        <span className={styles.verb}>{line.verb}</span>
        <span className={styles.object} data-code={line.code}>{line.object}</span>
        <span className={styles.facts}>
          <Facts tool={tool} />
        </span>
        <ToolMark state={tool.state} />
      </button>
      {cause !== "" && <p className={styles.cause}>{cause}</p>}
      {now && <p className={styles.now}>{now.verb} <span data-code={now.code}>{now.object}</span></p>}
      {open && <ToolBody tool={tool} />}
    </div>
  );
}

function Facts({ tool }: { tool: ToolEntry }): ReactNode {
  const diffs = tool.kind === "edit" ? diffsOf(tool.input, tool.detail) : [];
  const sum = (name: "added" | "removed"): number => diffs.reduce((all, diff) => all + diff[name], 0);
  const steps = tool.children.filter((child) => child.type === "tool").length;
  return (
    <>
      {diffs.length > 0 && ["ok", "running", "waiting"].includes(tool.state) && <Changes added={sum("added")} removed={sum("removed")} />}
      {steps > 0 && <span>{plural(steps, "step", "steps")}</span>}
      {["running", "ok", "failed"].includes(tool.state) && <Elapsed from={tool.at} to={tool.finishedAt} />}
    </>
  );
}

/** What a running sub-agent does now. */
function latest(tool: ToolEntry): Line | null {
  if (tool.state !== "running") return null;
  const last = tool.children.findLast((child) => child.type === "tool");
  return last?.type === "tool" ? describe(last) : null;
}
