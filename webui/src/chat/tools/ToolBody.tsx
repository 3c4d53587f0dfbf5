import type { ReactNode } from "react";
import type { ToolEntry } from "../core/view";
import { Diff } from "../diff/Diff";
import { diffsOf } from "../diff/read";
import { Markdown } from "../markdown/Markdown";
import { Command } from "../parts/Command";
import { Fields } from "../parts/Fields";
import { Output } from "../parts/Output";
import { Plan } from "../parts/Plan";
import { command, field, todos } from "./describe";
import { Printing } from "./Printing";
import { SubAgent } from "./SubAgent";
import styles from "./ToolLine.module.css";

/** An opened call: what went in and what came out, in the form that fits it. */
export function ToolBody({ tool }: { tool: ToolEntry }): ReactNode {
  return (
    <div className={styles.body}>
      <Inside tool={tool} />
      {tool.state === "running" && <Printing text={tool.output} cut={tool.cutOutput} />}
      {(tool.state === "waiting" || (tool.state === "running" && tool.output === "")) && tool.kind !== "agent" && <p className={styles.label}>No result yet</p>}
      {tool.state === "denied" && <p className={styles.label}>It was not allowed, so it never ran.</p>}
      {tool.state === "cut" && <p className={styles.label}>The turn ended before there was a result.</p>}
    </div>
  );
}

function Inside({ tool }: { tool: ToolEntry }): ReactNode {
  const done = tool.state === "ok" || tool.state === "failed";
  const failed = tool.state === "failed";
  const output = done && <Output text={tool.output} failed={failed} fromEnd={tool.kind === "execute"} />;
  if (tool.kind === "agent") return <SubAgent tool={tool} />;
  if (tool.kind === "execute") {
    const text = command(tool.input);
    return <>{text !== "" ? <Command text={text} /> : <Fields input={tool.input} />}{output}</>;
  }
  const diffs = tool.kind === "edit" ? diffsOf(tool.input, tool.detail) : [];
  if (diffs.length > 0) return <>{diffs.map((diff, at) => <Diff key={at} file={diff} />)}{failed && output}</>;
  const plan = todos(tool.input);
  if (plan.length > 0) return <><Plan todos={plan} />{failed && output}</>;
  const text = field(tool.input, "plan");
  if (text !== "") return <Markdown text={text} />;
  return <><Fields input={tool.input} />{output}</>;
}
