import type { ReactNode } from "react";
import { CodeBlock } from "../parts/CodeBlock";
import styles from "./UserWords.module.css";

const CODE = /(```[^\n`]*\n[\s\S]*?\n?```|`[^`\n]+`)/;

/** What a person typed, as typed; only code in backticks is set as code. */
export function Typed({ text }: { text: string }): ReactNode {
  return text.split(CODE).map((part, at) => {
    if (at % 2 === 0) return part;
    if (!part.startsWith("```")) return <code key={at} className={styles.code}>{part.slice(1, -1)}</code>;
    const [head = "", ...lines] = part.slice(3, -3).split("\n");
    return <CodeBlock key={at} code={lines.join("\n").replace(/\n$/, "")} language={head.trim()} />;
  });
}
