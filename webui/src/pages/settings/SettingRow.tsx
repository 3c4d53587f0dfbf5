import type { ReactNode } from "react";
import styles from "./SettingRow.module.css";

export function SettingRow({ label, note, children }: { label: string; note: string; children: ReactNode }) {
  return (
    <div className={styles.row}>
      <div>
        <p>{label}</p>
        <p className={styles.note}>{note}</p>
      </div>
      <div className={styles.control}>{children}</div>
    </div>
  );
}
