import { Check, CircleSlash, TriangleAlert, X } from "lucide-react";
import type { ReactNode } from "react";
import { useNow } from "../../ui/useNow";
import { useOpen } from "../context";
import { answersIn, isEdited } from "../core/editing";
import type { PermissionEntry } from "../core/view";
import { exactly, moment } from "../format";
import lines from "../tools/ToolLine.module.css";
import styles from "./DecidedLine.module.css";
import { Given } from "./Given";
import { questionsOf } from "./Questions";
import { isPlan, lineTitle } from "./title";
import { WhatWillHappen } from "./WhatWillHappen";

const SCOPES = { once: "once", session: "for this session", always: "always" } as const;
const PLAN = { allow: "Approved", deny: "Sent back" } as const;
/** An answer that has not reached the agent after this long is worth a word. */
const LATE_MS = 5_000;

/** An answered question: what, by whom, and whether the agent has the answer. */
export function DecidedLine({ permission }: { permission: PermissionEntry }): ReactNode {
  const [open, toggle] = useOpen(permission.key);
  const { state, decision, message, decidedAt, at } = permission;
  const line = lineTitle(permission);
  const Icon = state === "closed" ? CircleSlash : decision === "allow" ? Check : X;
  return (
    <div className={lines.tool}>
      <button type="button" className={lines.line} aria-expanded={open} onClick={toggle} title={exactly(decidedAt || at)}>
        <span className={styles.icon} data-look={state === "closed" ? "closed" : decision}><Icon aria-hidden /></span>
        <span className={lines.verb}>{verdict(permission)}</span>
        <span className={lines.object} data-code={line.code}>{line.text}</span>
        <span className={lines.facts}>
          {isEdited(permission.input, permission.edited) && <span className={styles.edited}>edited</span>}
          {state === "decided" && <OnItsWay since={decidedAt} />}
          {state === "delivered" && <span className={styles.delivered}>delivered to agent</span>}
          <span>{moment(decidedAt || at)}</span>
        </span>
      </button>
      {message !== "" && <p className={styles.message}>“{message}”</p>}
      {open && <div className={lines.body}><Given permission={permission} /><WhatWillHappen permission={permission} /></div>}
    </div>
  );
}

function verdict(permission: PermissionEntry): string {
  const { state, decision, scope, by, closed, edited } = permission;
  if (state === "closed") return `No answer needed${closed === "" ? "" : ` (${closed})`}`;
  const word = answersIn(edited).length > 0 ? "Answered" : isPlan(permission) ? PLAN[decision] : decision === "deny" && questionsOf(permission.input).length > 0 ? "Not answered:" : decision === "allow" ? `Allowed ${SCOPES[scope]}` : "Denied";
  return by === "" ? `${word} by a kept rule` : by === "local" ? word : `${word} by ${by}`;
}

function OnItsWay({ since }: { since: string }): ReactNode {
  const late = useNow((now) => now - Date.parse(since) > LATE_MS);
  if (!late) return <span role="status">on its way to the agent</span>;
  return (
    <span role="alert" className={styles.late} title="Your answer is stored and is handed over again when the agent's process answers. If it stays so, interrupt the turn or restart the session.">
      <TriangleAlert aria-hidden />
      stored; the agent has not taken it yet
    </span>
  );
}
