import type { ChangeStatus } from "../../../ports/workspace";
import { Tooltip } from "../../../ui/Tooltip";
import styles from "./Status.module.css";

const SIGNS: Record<ChangeStatus, string> = { added: "A", modified: "M", deleted: "D", renamed: "R", untracked: "U", conflict: "!" };
const WORDS: Record<ChangeStatus, string> = { added: "added", modified: "modified", deleted: "deleted", renamed: "renamed", untracked: "new, not yet in git", conflict: "in conflict" };

/** What happened to a file, in a letter; the word on hover and for screen readers. */
export function Status({ status }: { status: ChangeStatus }) {
  return (
    <Tooltip text={WORDS[status]}>
      <span className={styles.status} data-status={status} role="img" aria-label={WORDS[status]}>
        {SIGNS[status]}
      </span>
    </Tooltip>
  );
}
