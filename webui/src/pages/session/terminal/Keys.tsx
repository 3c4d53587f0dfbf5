import { ArrowDown, ArrowLeft, ArrowRight, ArrowUp, ClipboardPaste, Copy } from "lucide-react";
import { type ReactNode, useState } from "react";
import { classes } from "../../../ui/classes";
import styles from "./Keys.module.css";
import type { Shell } from "./shell";

/** The keys that a phone's keyboard lacks. None of them takes the keyboard away. */
export function Keys({ shell }: { shell: Shell | undefined }) {
  const [control, setControl] = useState(false);
  const press = (run: (shell: Shell) => void) => () => {
    if (!shell) return;
    run(shell);
    setControl(shell.control);
  };
  const send = (keys: string) => press((it) => it.send(keys));
  return (
    <div className={styles.keys} role="toolbar" aria-label="Keys">
      <Key label="Escape" onPress={send("\x1b")}>Esc</Key>
      <Key label="Tab" onPress={send("\t")}>Tab</Key>
      <Key label="Control, for the next letter" pressed={control} onPress={press((it) => (it.control = !it.control))}>Ctrl</Key>
      <Key label="Up" onPress={press((it) => it.arrow("A"))}><ArrowUp /></Key>
      <Key label="Down" onPress={press((it) => it.arrow("B"))}><ArrowDown /></Key>
      <Key label="Left" onPress={press((it) => it.arrow("D"))}><ArrowLeft /></Key>
      <Key label="Right" onPress={press((it) => it.arrow("C"))}><ArrowRight /></Key>
      <Key label="Control C" onPress={send("\x03")}>^C</Key>
      <Key label="Copy the selection" onPress={press((it) => void it.copy())}><Copy /></Key>
      <Key label="Paste" onPress={press((it) => void it.paste())}><ClipboardPaste /></Key>
    </div>
  );
}

function Key({ label, pressed, onPress, children }: { label: string; pressed?: boolean; onPress(): void; children: ReactNode }) {
  return (
    <button
      type="button"
      aria-label={label}
      aria-pressed={pressed}
      className={classes(styles.key, pressed && styles.pressed)}
      onPointerDown={(event) => event.preventDefault()}
      onClick={onPress}
    >
      {children}
    </button>
  );
}
