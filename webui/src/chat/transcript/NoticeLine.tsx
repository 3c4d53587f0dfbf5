import { Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Ticks } from "../../ui/Ticks";
import { useChat, useOpen } from "../context";
import type { NoticeEntry } from "../core/view";
import { exactly } from "../format";
import { Output } from "../parts/Output";
import styles from "./NoticeLine.module.css";

/** Something worth a line that nobody said. */
export function NoticeLine({ notice }: { notice: NoticeEntry }): ReactNode {
  // A session that failed says its cause above; it is not said a second time.
  const { failed } = useChat();
  const [open, toggle] = useOpen(notice.key, notice.level === "error" && !failed);
  const Icon = notice.level === "info" ? Info : TriangleAlert;
  const words = (
    <>
      <Icon aria-hidden />
      <span>{notice.text}</span>
      {notice.hint !== "" && <span className={styles.hint}><Ticks text={notice.hint} /></span>}
    </>
  );
  return (
    <div className={styles.notice} data-level={notice.level} title={exactly(notice.at)}>
      {notice.detail === "" ? (
        <p className={styles.line}>{words}</p>
      ) : (
        <button type="button" className={styles.line} aria-expanded={open} onClick={toggle}>{words}</button>
      )}
      {open && notice.detail !== "" && <Output text={notice.detail} failed={notice.level === "error"} fromEnd />}
    </div>
  );
}
