import styles from "./Kbd.module.css";

const MAC = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.platform);
const SIGNS: Record<string, string> = MAC
  ? { mod: "⌘", shift: "⇧", enter: "⏎", alt: "⌥", up: "↑", down: "↓", esc: "esc" }
  : { mod: "Ctrl", shift: "⇧", enter: "⏎", alt: "Alt", up: "↑", down: "↓", esc: "Esc" };

/** Keys as the person's keyboard names them: `mod+k` is ⌘K or Ctrl K; a space stands between keys pressed one after the other. */
export function Kbd({ keys }: { keys: string }) {
  return (
    <span className={styles.keys}>
      {keys
        .split(/[ +]/)
        .map((key, index) => (
          <kbd key={index} className={styles.key}>
            {SIGNS[key] ?? (key.length === 1 ? key.toUpperCase() : key)}
          </kbd>
        ))}
    </span>
  );
}
