import { ChevronDown, ChevronRight, Copy } from "lucide-react";
import { Changes } from "../../../chat/diff/Changes";
import type { ChangedFile } from "../../../ports/workspace";
import { tell, tellProblem } from "../../../stores/toasts";
import { IconButton } from "../../../ui/IconButton";
import { classes } from "../../../ui/classes";
import styles from "./FileHead.module.css";
import { Status } from "./Status";

interface FileHeadProps {
  file: ChangedFile;
  folded: boolean;
  viewed: boolean;
  current: boolean;
  height: number;
  onFold(): void;
  onViewed(): void;
}

/** The line over a file's changes: opens and closes them, and ticks the file off. */
export function FileHead({ file, folded, viewed, current, height, onFold, onViewed }: FileHeadProps) {
  const cut = file.path.lastIndexOf("/") + 1;
  const copy = () => navigator.clipboard.writeText(file.path).then(() => tell("Copied."), tellProblem);
  return (
    <div className={classes(styles.head, current && styles.current)} style={{ height }}>
      <button type="button" className={styles.fold} aria-expanded={!folded} onClick={onFold}>
        {folded ? <ChevronRight aria-hidden /> : <ChevronDown aria-hidden />}
        <Status status={file.status} />
        <span className={styles.path} title={file.old_path ? `${file.old_path} → ${file.path}` : file.path}>
          <bdi dir="ltr">
            {file.old_path && <span className={styles.folder}>{file.old_path} → </span>}
            <span className={styles.folder}>{file.path.slice(0, cut)}</span>
            {file.path.slice(cut)}
          </bdi>
        </span>
      </button>
      <Changes added={file.added} removed={file.removed} />
      <IconButton label="Copy path" icon={<Copy />} className={styles.copy} onClick={() => void copy()} />
      <label className={styles.viewed}>
        <input type="checkbox" checked={viewed} onChange={onViewed} aria-label={`Viewed ${file.path}`} />
        <span>Viewed</span>
      </label>
    </div>
  );
}
