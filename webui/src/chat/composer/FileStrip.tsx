import type { ReactNode } from "react";
import { useStore } from "zustand";
import type { Files } from "../core/files";
import { FileChip } from "./FileChip";
import styles from "./Files.module.css";

/** The files that go with the next message. */
export function FileStrip({ files }: { files: Files }): ReactNode {
  const picked = useStore(files.store);
  if (picked.length === 0) return null;
  return (
    <ul className={styles.strip} aria-label="Files of this message">
      {picked.map((one) => (
        <FileChip key={one.key} picked={one} onRetry={() => files.retry(one.key)} onRemove={() => files.remove(one.key)} />
      ))}
    </ul>
  );
}
