import { useEffect, useRef } from "react";
import { useColour } from "../../../chat/markdown/highlight";
import { languageOf } from "../language";
import styles from "./Editor.module.css";
import { CodeView } from "./codeView";

export interface EditorProps {
  path: string;
  /** What it begins with. */
  text: string;
  breaks: "\n" | "\r\n";
  /** What the file holds now, when that is another and nothing was typed. */
  fresh: string;
  wrap: boolean;
  line: number | undefined;
  onChange(text: () => string): void;
  onSave(): void;
}

/** One text file. Mounted anew for another one. */
export default function Editor({ path, text, breaks, fresh, wrap, line, onChange, onSave }: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<CodeView | undefined>(undefined);
  const colour = useColour("", "any");
  const latest = useRef({ onChange, onSave, wrap, text, breaks });
  latest.current = { onChange, onSave, wrap, text, breaks };
  useEffect(() => {
    if (!host.current) return;
    const { text: first, breaks: ends, wrap: wraps } = latest.current;
    const made = new CodeView(host.current, {
      text: first,
      breaks: ends,
      language: languageOf(path),
      wrap: wraps,
      label: path,
      onChange: (read) => latest.current.onChange(read),
      onSave: () => latest.current.onSave(),
    });
    view.current = made;
    return () => made.close();
  }, [path]);
  useEffect(() => view.current?.useColour(colour), [colour, path]);
  useEffect(() => view.current?.wrap(wrap), [wrap, path]);
  useEffect(() => view.current?.replace(fresh), [fresh]);
  useEffect(() => {
    if (line) view.current?.goTo(line);
  }, [line, path]);
  return <div ref={host} className={styles.host} />;
}
