import { Check, CircleSlash, X } from "lucide-react";
import type { ReactNode } from "react";
import { useNow } from "../../ui/useNow";
import { useOpen } from "../context";
import type { PermissionEntry } from "../core/view";
import { exactly, moment } from "../format";
import lines from "../tools/ToolLine.module.css";
import styles from "./DecidedLine.module.css";
import { lineTitle } from "./title";
import { WhatWillHappen } from "./WhatWillHappen";

const SCOPES = { once: "once", session: "for this session", always: "always" } as const;
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
          {state === "decided" && <OnItsWay since={decidedAt} />}
          {state === "delivered" && <span className={styles.delivered}>delivered to the agent</span>}
          <span>{moment(decidedAt || at)}</span>
        </span>
      </button>
      {message !== "" && <p className={styles.message}>“{message}”</p>}
      {open && <div className={lines.body}><WhatWillHappen permission={permission} /></div>}
    </div>
  );
}

function verdict({ state, decision, scope, by, closed }: PermissionEntry): string {
  if (state === "closed") return `No answer needed${closed === "" ? "" : ` (${closed})`}`;
  const word = decision === "allow" ? `Allowed ${SCOPES[scope]}` : "Denied";
  return by === "" ? `${word} by a kept rule` : by === "local" ? word : `${word} by ${by}`;
}

function OnItsWay({ since }: { since: string }): ReactNode {
  const late = useNow((now) => now - Date.parse(since) > LATE_MS);
  return <span role="status">{late ? "kept; the agent has not taken it yet" : "on its way to the agent"}</span>;
}
