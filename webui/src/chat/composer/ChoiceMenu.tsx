import { Check, ChevronDown } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useNow } from "../../ui/useNow";
import type { Choice, ChoiceName } from "../core/frames";
import styles from "./Choices.module.css";
import { Popup } from "./Popup";

interface ChoiceMenuProps {
  name: ChoiceName;
  label: string;
  choices: readonly Choice[];
  /** What is in use, as people read it; "" when it is not known. */
  now: string;
  /** The id with the mark. */
  chosen: string;
  /** What was asked for and is not confirmed; "" when nothing is. */
  asked: string;
  /** No agent runs: what is chosen begins with the next one. */
  later: boolean;
  disabled: boolean;
  onChoose: (id: string) => void;
}

/** The agent answers at once or not at all. */
const LATE_MS = 10_000;

/** One thing to choose, opened from a quiet button. Arrow keys move, Enter chooses, Escape closes. */
export function ChoiceMenu({ name, label, choices, now, chosen, asked, later, disabled, onChoose }: ChoiceMenuProps): ReactNode {
  const anchor = useRef<HTMLButtonElement>(null);
  const [open, setOpen] = useState(false);
  const close = (): void => {
    setOpen(false);
    anchor.current?.focus();
  };
  return (
    <>
      <button
        ref={anchor}
        type="button"
        className={styles.button}
        data-choice={name}
        data-asked={asked !== ""}
        aria-haspopup="menu"
        aria-expanded={open}
        aria-label={`${label}: ${now || "not known"}`}
        title={label}
        disabled={disabled}
        onClick={() => setOpen(!open)}
      >
        <span className={styles.now}>{asked === "" ? now || label : <Switching now={now} asked={asked} later={later} />}</span>
        <ChevronDown aria-hidden />
      </button>
      {open && (
        <Popup anchor={anchor} label={label} onClose={close} onDismiss={() => setOpen(false)}>
          <p className={styles.title}>{label}{later && " · from the next start on"}</p>
          {choices.map((choice) => (
            <button
              key={choice.id}
              type="button"
              role="menuitemradio"
              aria-checked={choice.id === chosen}
              className={styles.item}
              onClick={() => {
                close();
                if (choice.id !== chosen) onChoose(choice.id);
              }}
            >
              <span className={styles.mark}>{choice.id === chosen && <Check aria-hidden />}</span>
              <span className={styles.words}>
                {choice.label}
                {choice.description !== "" && <small>{choice.description}</small>}
              </span>
            </button>
          ))}
        </Popup>
      )}
    </>
  );
}

function Switching({ now, asked, later }: { now: string; asked: string; later: boolean }): ReactNode {
  const [since, setSince] = useState(() => Date.now());
  useEffect(() => setSince(Date.now()), [asked]);
  const late = useNow((time) => time - since > LATE_MS);
  if (later) return `${asked} (next start)`;
  return <span role="status">{late ? `${now} (${asked} not confirmed)` : `switching to ${asked} …`}</span>;
}
