import { X } from "lucide-react";
import { IconButton } from "./IconButton";
import { StateMark } from "./StateMark";
import styles from "./ToastCard.module.css";

interface ToastCardProps {
  tone: "info" | "error";
  text: string;
  hint?: string;
  onDismiss(): void;
}

export function ToastCard({ tone, text, hint, onDismiss }: ToastCardProps) {
  return (
    <div role={tone === "error" ? "alert" : "status"} className={styles.toast}>
      {tone === "error" && <StateMark kind="failed" className={styles.mark} />}
      <div className={styles.words}>
        <p>{text}</p>
        {hint && <p className={styles.hint}>{hint}</p>}
      </div>
      <IconButton label="Dismiss" icon={<X />} onClick={onDismiss} />
    </div>
  );
}
