import { useState } from "react";
import { Diff } from "../../../chat/diff/Diff";
import type { FileDiff } from "../../../chat/diff/model";
import { diffsOf } from "../../../chat/diff/read";
import { ports } from "../../../ports";
import type { Root } from "../../../ports/workspace";
import { tellProblem } from "../../../stores/toasts";
import { Button } from "../../../ui/Button";
import { Dialog } from "../../../ui/Dialog";
import styles from "./ConflictDialog.module.css";
import { MOST_AT_ALL } from "./content";

interface ConflictDialogProps {
  session: string;
  root: Root;
  path: string;
  mine(): string;
  onOverwrite(): void;
  onReload(): void;
  onClose(): void;
}

/** The file is another by now: nothing was saved, and nothing is lost until a person says which one counts. */
export function ConflictDialog({ session, root, path, mine, onOverwrite, onReload, onClose }: ConflictDialogProps) {
  const [difference, setDifference] = useState<FileDiff | "same">();
  const compare = async () => {
    try {
      const { bytes } = await ports().workspace.read(session, root, path, MOST_AT_ALL);
      const [found] = diffsOf({ path, old_string: (await bytes?.text()) ?? "", new_string: mine() }, null);
      setDifference(found && found.added + found.removed > 0 ? found : "same");
    } catch (error) {
      tellProblem(error);
    }
  };
  return (
    <Dialog
      wide
      title="The file changed on disk"
      onClose={onClose}
      footer={
        <>
          {!difference && <Button onClick={() => void compare()}>Compare</Button>}
          <Button onClick={onReload}>Reload, and lose what I typed</Button>
          <Button look="danger" onClick={onOverwrite}>
            Overwrite it
          </Button>
        </>
      }
    >
      <div className={styles.body}>
        <p>
          <code>{path}</code> is not what it was when you opened it: the agent or another program wrote it. Your text is not saved yet.
        </p>
        {difference === "same" && <p>Both say the same: overwriting changes nothing.</p>}
        {difference && difference !== "same" && (
          <>
            <p className={styles.legend}>From the file on disk (−) to your text (+):</p>
            <Diff file={difference} />
          </>
        )}
      </div>
    </Dialog>
  );
}
