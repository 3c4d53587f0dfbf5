import { FileText } from "lucide-react";
import type { ReactNode } from "react";
import { useChat } from "../context";
import type { Attachment } from "../core/frames";
import { bytes } from "../format";
import styles from "./Attached.module.css";

const SHOWN = /^image\/(png|jpeg|gif|webp)$/;

/** The files that went with a message: pictures as pictures, others by name. */
export function Attached({ files }: { files: readonly Attachment[] }): ReactNode {
  const { port, session } = useChat();
  if (files.length === 0) return null;
  return (
    <ul className={styles.files} aria-label="Attached files">
      {files.map(({ id, name, media_type, size }) => (
        <li key={id}>
          <a className={styles.file} href={port.fileUrl(session, id)} target="_blank" rel="noopener noreferrer" title={`${name}, ${bytes(size)}`}>
            {SHOWN.test(media_type) ? (
              <img className={styles.picture} src={port.fileUrl(session, id)} alt={name} loading="lazy" />
            ) : (
              <span className={styles.plain}><FileText aria-hidden />{name}<small>{bytes(size)}</small></span>
            )}
          </a>
        </li>
      ))}
    </ul>
  );
}
