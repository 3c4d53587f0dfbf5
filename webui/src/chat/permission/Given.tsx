import type { ReactNode } from "react";
import { answersIn, isEdited } from "../core/editing";
import type { PermissionEntry } from "../core/view";
import { Command } from "../parts/Command";
import { Fields } from "../parts/Fields";
import { command } from "../tools/describe";
import styles from "./OpenCard.module.css";

/** What a person gave in place of what the agent asked for: their answers, or the changed call. */
export function Given({ permission: { input, edited } }: { permission: PermissionEntry }): ReactNode {
  const answers = answersIn(edited);
  const run = edited === null ? "" : command(edited);
  return (
    <>
      {answers.length > 0 && (
        <dl className={styles.given}>
          {answers.map(([question, answer]) => (
            <div key={question}>
              <dt>{question}</dt>
              <dd>{answer}</dd>
            </div>
          ))}
        </dl>
      )}
      {edited !== null && isEdited(input, edited) && (
        <>
          <p className={styles.reason}>Allowed as changed, to:</p>
          {run === "" ? <Fields input={edited} /> : <Command text={run} />}
          <p className={styles.reason}>The agent had asked for:</p>
        </>
      )}
    </>
  );
}
