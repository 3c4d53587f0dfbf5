import { FileText, Sparkles, SquareSlash } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import styles from "./Suggest.module.css";
import type { Suggest } from "./useSuggest";

const ICONS = { command: SquareSlash, skill: Sparkles, file: FileText } as const;

/** What would fit at the caret. The text box keeps the keyboard. */
export function SuggestList({ id, suggest: { items, at, point, take } }: { id: string; suggest: Suggest }): ReactNode {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);
  if (items.length === 0) return null;
  return (
    <ul ref={list} id={id} role="listbox" aria-label={items[0]?.kind === "file" ? "Files" : "Commands and skills"} className={styles.list}>
      {items.map(({ value, label, takes, note, kind }, index) => {
        const Icon = ICONS[kind];
        return (
          <li
            key={value}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            className={styles.item}
            data-kind={kind}
            onPointerMove={() => point(index)}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => take(index)}
          >
            <Icon aria-hidden />
            <span className={styles.label}>{label}</span>
            {takes !== "" && <span className={styles.takes}>{takes}</span>}
            <span className={styles.note}>{note}</span>
          </li>
        );
      })}
    </ul>
  );
}
