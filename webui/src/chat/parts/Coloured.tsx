import { type ReactNode, useMemo } from "react";
import { useColour } from "../markdown/highlight";
import styles from "./Coloured.module.css";

/** Code in colour, once the grammars are here. */
export function Coloured({ code, language }: { code: string; language: string }): ReactNode {
  const colour = useColour(code, language);
  const runs = useMemo(() => colour?.(code, language) ?? null, [colour, code, language]);
  if (runs === null) return code;
  return runs.map(({ text, kind }, at) => (kind === "" ? text : <span key={at} className={styles.run} data-kind={kind}>{text}</span>));
}
