import { type ReactNode, useRef } from "react";
import { Blocks } from "./Blocks";
import styles from "./Markdown.module.css";
import { type Parsed, parse } from "./parse";

/** An agent's words. Only what grew is parsed and drawn again, so a long answer streams as cheaply as a short one. */
export function Markdown({ text }: { text: string }): ReactNode {
  const parsed = useRef<Parsed | undefined>(undefined);
  parsed.current = parse(text, parsed.current);
  return (
    <div className={styles.prose}>
      <Blocks tokens={parsed.current.tokens} depth={0} />
    </div>
  );
}
