import type { ReactNode } from "react";
import { Diff } from "../diff/Diff";
import { diffsOf } from "../diff/read";
import { Markdown } from "../markdown/Markdown";
import { Command } from "../parts/Command";
import { Fields } from "../parts/Fields";
import { command, field } from "../tools/describe";
import styles from "./OpenCard.module.css";
import { type Call, cardTitle } from "./title";

/** The command, the diff, the plan: whatever the answer lets happen, whole. */
export function WhatWillHappen({ permission }: { permission: Call }): ReactNode {
  const { input } = permission;
  const run = command(input);
  if (run !== "") {
    const where = field(input, "cwd", "workdir");
    const words = field(input, "description");
    return (
      <>
        {words !== "" && words !== cardTitle(permission) && <p className={styles.reason}>{words}</p>}
        <Command text={run} large />
        {where !== "" && <p className={styles.reason}>in <code>{where}</code></p>}
      </>
    );
  }
  const plan = field(input, "plan");
  if (plan !== "") return <div className={styles.plan}><Markdown text={plan} /></div>;
  const diffs = diffsOf(input, null);
  if (diffs.length > 0) return diffs.map((diff, at) => <Diff key={at} file={diff} />);
  return <Fields input={input} />;
}
