import { FileText, RotateCcw, X } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { IconButton } from "../../ui/IconButton";
import type { Picked } from "../core/files";
import { bytes } from "../format";
import styles from "./Files.module.css";

interface FileChipProps {
  picked: Picked;
  onRetry: () => void;
  onRemove: () => void;
}

/** One file: what it is, how far it is, and what went wrong. */
export function FileChip({ picked: { file, state, part, error }, onRetry, onRemove }: FileChipProps): ReactNode {
  const picture = usePicture(file);
  const word = { kept: "kept until the session can be reached", sending: `${Math.round(part * 100)} %`, ready: bytes(file.size), failed: error }[state];
  return (
    <li className={styles.chip} data-state={state}>
      {picture === "" ? <FileText aria-hidden /> : <img className={styles.picture} src={picture} alt="" />}
      <span className={styles.name}>
        <span className={styles.title} title={file.name}>{file.name || "pasted file"}</span>
        <small role={state === "failed" ? "alert" : undefined}>{word}</small>
      </span>
      {state === "sending" && <progress className={styles.progress} value={part} max={1} aria-label={`Sending ${file.name}`} />}
      {state === "failed" && <IconButton label={`Try ${file.name} again`} icon={<RotateCcw aria-hidden />} onClick={onRetry} />}
      <IconButton label={`Remove ${file.name}`} icon={<X aria-hidden />} onClick={onRemove} />
    </li>
  );
}

const SHOWN = /^image\/(png|jpeg|gif|webp)$/;

function usePicture(file: File): string {
  const [url, setUrl] = useState("");
  useEffect(() => {
    if (!SHOWN.test(file.type)) return;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url;
}
