import type { ReactNode } from "react";
import type { PermissionEntry } from "../core/view";
import styles from "./OpenCard.module.css";

/** The rule that "session" or "always" would keep, so that nobody allows more than they meant to. */
export function RuleNote({ permission: { rules, scopes } }: { permission: PermissionEntry }): ReactNode {
  const wider = scopes.filter((scope) => scope !== "once");
  if (wider.length === 0 || rules.length === 0) return null;
  return (
    <p className={styles.rule}>
      <span>“{wider.map((scope) => (scope === "session" ? "Session" : "Always")).join("” and “")}” would allow</span>
      {rules.map(({ tool, subject }) => (
        <code key={`${tool} ${subject}`}>{subject === "" ? `any use of ${tool}` : `${tool}: ${subject}`}</code>
      ))}
    </p>
  );
}
