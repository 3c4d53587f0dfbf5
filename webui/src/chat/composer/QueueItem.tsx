import { CornerDownRight, Pencil, Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import { IconButton } from "../../ui/IconButton";
import { useChat } from "../context";
import type { Change } from "../core/changes";
import type { MessageEntry } from "../core/view";
import { plural } from "../format";
import { MessageMark } from "../transcript/MessageMark";
import { useChatState } from "../useChatState";
import styles from "./Queue.module.css";
import { QueueEdit } from "./QueueEdit";

interface QueueItemProps {
  message: MessageEntry;
  /** Stored and with nobody yet; else it is still on its way. */
  waits: boolean;
  editing: boolean;
  onEdit: (on: boolean) => void;
}

const DOING = { edit: "saving the change …", remove: "taking it back …", steer: "sending it into this turn …" } as const;

export function QueueItem({ message, waits, editing, onEdit }: QueueItemProps): ReactNode {
  const { engine, capabilities } = useChat();
  const live = useChatState((state) => state.link.state === "live");
  const change = useChatState((state) => state.changing[message.id]);
  const { id, text, attachments } = message;
  const busy = change !== undefined && change.error === "";
  const save = (next: string): void => {
    onEdit(false);
    if (next === "" && attachments.length === 0) engine.remove(id);
    else if (next !== text && next !== "") engine.edit(id, next);
  };
  if (editing && waits) return <li className={styles.item}><QueueEdit text={text} onSave={save} onBack={() => onEdit(false)} /></li>;
  return (
    <li className={styles.item} data-busy={busy}>
      <span className={styles.text} title={text}>
        {text || plural(attachments.length, "file", "files")}
        {text !== "" && attachments.length > 0 && <span className={styles.files}> + {plural(attachments.length, "file", "files")}</span>}
      </span>
      <Note message={message} change={change} />
      {waits && !busy && (
        <span className={styles.actions}>
          {capabilities?.steer === true && (
            <IconButton label="Send now, into this turn" icon={<CornerDownRight aria-hidden />} disabled={!live} onClick={() => engine.steer(id)} />
          )}
          <IconButton label="Edit this message" icon={<Pencil aria-hidden />} disabled={!live} onClick={() => onEdit(true)} />
          <IconButton label="Take this message back" icon={<Trash2 aria-hidden />} disabled={!live} onClick={() => engine.remove(id)} />
        </span>
      )}
    </li>
  );
}

function Note({ message, change }: { message: MessageEntry; change: Change | undefined }): ReactNode {
  if (change?.error) return <span className={styles.error} role="alert">{change.error}</span>;
  if (change) return <span className={styles.note} role="status">{DOING[change.kind]}</span>;
  if (message.way === "returned") return <span className={styles.note}>could not go into the turn; waits for its end</span>;
  if (message.state === "queued") return message.edited ? <span className={styles.note}>edited</span> : null;
  return <MessageMark message={message} />;
}
