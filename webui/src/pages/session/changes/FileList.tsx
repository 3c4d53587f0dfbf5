import { Check } from "lucide-react";
import { useEffect, useRef } from "react";
import { Changes } from "../../../chat/diff/Changes";
import type { ChangedFile } from "../../../ports/workspace";
import { Input } from "../../../ui/Input";
import { classes } from "../../../ui/classes";
import styles from "./FileList.module.css";
import { Status } from "./Status";

interface FileListProps {
  files: readonly ChangedFile[];
  all: number;
  current: string | undefined;
  filter: string;
  viewed(file: ChangedFile): boolean;
  onFilter(filter: string): void;
  onPick(path: string): void;
}

/** The changed files by name. One press goes to a file's changes. */
export function FileList({ files, all, current, filter, viewed, onFilter, onPick }: FileListProps) {
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => void list.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" }), [current]);
  return (
    <nav className={styles.side} aria-label="Changed files">
      <div className={styles.filter}>
        <Input type="search" placeholder={`Filter ${all} files`} aria-label="Filter the files" value={filter} onChange={(event) => onFilter(event.target.value)} />
      </div>
      <ul ref={list} className={styles.list}>
        {files.map((file) => {
          const cut = file.path.lastIndexOf("/") + 1;
          const seen = viewed(file);
          return (
            <li key={file.path}>
              <button
                type="button"
                aria-current={file.path === current ? "true" : undefined}
                title={file.path}
                className={classes(styles.file, file.path === current && styles.current, seen && styles.seen)}
                onClick={() => onPick(file.path)}
              >
                <Status status={file.status} />
                <span className={styles.name}>{file.path.slice(cut)}</span>
                <span className={styles.folder}>{file.path.slice(0, Math.max(0, cut - 1))}</span>
                {seen ? <Check aria-label="viewed" className={styles.check} /> : <Changes added={file.added} removed={file.removed} />}
              </button>
            </li>
          );
        })}
        {files.length === 0 && <li className={styles.none}>No changed file is called that.</li>}
      </ul>
    </nav>
  );
}
