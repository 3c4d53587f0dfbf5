import { useEffect, useRef } from "react";
import { useToasts } from "../stores/toasts";
import { ToastCard } from "../ui/ToastCard";
import styles from "./Toasts.module.css";

export function Toasts() {
  const { toasts, dismiss } = useToasts();
  const layer = useRef<HTMLDivElement>(null);
  const newest = toasts.at(-1)?.id;
  useEffect(() => {
    // Shown anew, so that it lies above a dialog that was opened meanwhile.
    layer.current?.hidePopover?.();
    if (newest !== undefined) layer.current?.showPopover?.();
  }, [newest]);
  return (
    <div ref={layer} popover="manual" className={styles.toasts}>
      {toasts.map((toast) => (
        <ToastCard key={toast.id} tone={toast.tone} text={toast.text} hint={toast.hint} onDismiss={() => dismiss(toast.id)} />
      ))}
    </div>
  );
}
