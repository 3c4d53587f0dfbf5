import { Brain } from "lucide-react";
import type { ReactNode } from "react";
import { useOpen } from "../context";
import type { BlockEntry } from "../core/view";
import { Markdown } from "../markdown/Markdown";
import lines from "../tools/ToolLine.module.css";
import styles from "./Thinking.module.css";

const PREVIEW = 140;

/** What the agent thought: one quiet line, the rest on demand. */
export function Thinking({ block }: { block: BlockEntry }): ReactNode {
  const [open, toggle] = useOpen(block.key);
  // While it grows, its newest line; then its first one, which says what it was about.
  const words = block.text.trim().split("\n").filter((line) => line.trim() !== "");
  const preview = ((block.streaming ? words.at(-1) : words[0]) ?? "").replace(/[*_`#]/g, "").slice(0, PREVIEW);
  return (
    <div className={lines.tool}>
      <button type="button" className={lines.line} aria-expanded={open} onClick={toggle}>
        <Brain aria-hidden />
        <span className={styles.word} data-live={block.streaming}>{block.streaming ? "Thinking" : "Thought"}</span>
        {!open && <span className={styles.preview}>{preview}</span>}
      </button>
      {open && <div className={lines.body}><div className={styles.whole}><Markdown text={block.text} /></div></div>}
    </div>
  );
}
