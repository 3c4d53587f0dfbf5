import type { ReactNode } from "react";
import type { BlockEntry } from "../core/view";
import { Markdown } from "../markdown/Markdown";
import styles from "./AgentText.module.css";

/** The agent's words: plain, no bubble, no name. */
export function AgentText({ block, small }: { block: BlockEntry; small: boolean }): ReactNode {
  return (
    <div className={styles.text} data-small={small} aria-busy={block.streaming || undefined}>
      <Markdown text={block.text} />
    </div>
  );
}
