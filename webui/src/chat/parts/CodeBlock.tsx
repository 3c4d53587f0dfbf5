import { WrapText } from "lucide-react";
import { type ReactNode, useState } from "react";
import styles from "./CodeBlock.module.css";
import { Coloured } from "./Coloured";
import { Copy } from "./Copy";

export function CodeBlock({ code, language }: { code: string; language: string }): ReactNode {
  const [wrap, setWrap] = useState(false);
  const name = language.split(/\s/)[0] ?? "";
  return (
    <figure className={styles.block}>
      <figcaption className={styles.head}>
        <span>{name || "text"}</span>
        <button type="button" className={styles.action} aria-pressed={wrap} aria-label="Wrap long lines" title="Wrap long lines" onClick={() => setWrap(!wrap)}>
          <WrapText aria-hidden />
        </button>
        <Copy text={code} what="Copy code" />
      </figcaption>
      <pre className={styles.code} data-wrap={wrap} tabIndex={0}>
        <code><Coloured code={code} language={name} /></code>
      </pre>
    </figure>
  );
}
