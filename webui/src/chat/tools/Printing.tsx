import { type ReactNode, useLayoutEffect, useMemo, useRef } from "react";
import styles from "../parts/Output.module.css";
import { clamp, plain } from "./output";

/** What a running tool has printed last; it follows the end, as a terminal does, unless somebody scrolled up in it. */
export function Printing({ text, cut }: { text: string; cut: boolean }): ReactNode {
  const box = useRef<HTMLPreElement>(null);
  const follows = useRef(true);
  const shown = useMemo(() => clamp(plain(text).replace(/\s+$/, ""), true), [text]);
  useLayoutEffect(() => {
    if (box.current && follows.current) box.current.scrollTop = box.current.scrollHeight;
  }, [shown]);
  if (shown.text === "") return null;
  return (
    <div className={styles.box}>
      {(cut || shown.hidden > 0) && <p className={styles.earlier}>The end of what it printed so far; all of it stands here when it is done.</p>}
      <pre
        ref={box}
        className={styles.text}
        tabIndex={0}
        aria-label="Output so far"
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          follows.current = scrollHeight - scrollTop - clientHeight < 24;
        }}
      >
        {shown.text}
      </pre>
    </div>
  );
}
