import { type ReactNode, useMemo, useState } from "react";
import { plural } from "../format";
import { clamp, plain } from "../tools/output";
import { Copy } from "./Copy";
import styles from "./Output.module.css";

interface OutputProps {
  text: string;
  failed?: boolean;
  /** Show the end of long output (a command) or its beginning (a file). */
  fromEnd?: boolean;
}

/** What a call printed, long output clamped. */
export function Output({ text, failed = false, fromEnd = false }: OutputProps): ReactNode {
  const [all, setAll] = useState(false);
  const whole = useMemo(() => plain(text).replace(/\s+$/, ""), [text]);
  const short = useMemo(() => clamp(whole, fromEnd), [whole, fromEnd]);
  if (whole === "") return <p className={styles.none}>No output</p>;
  const shown = all ? whole : short.text;
  const more = !all && short.hidden > 0 && (
    <button type="button" className={styles.more} onClick={() => setAll(true)}>
      Show all ({plural(short.hidden, "more line", "more lines")})
    </button>
  );
  return (
    <div className={styles.box} data-failed={failed}>
      {fromEnd && more}
      <pre className={styles.text} tabIndex={0} aria-label="Output">{shown}</pre>
      {!fromEnd && more}
      <div className={styles.copy}><Copy text={whole} what="Copy output" /></div>
    </div>
  );
}
