import { MessageSquareQuote, X } from "lucide-react";
import { Button } from "../../../ui/Button";
import { IconButton } from "../../../ui/IconButton";
import { Kbd } from "../../../ui/Kbd";
import styles from "./AskBar.module.css";

/** What can be done with the lines that are chosen. */
export function AskBar({ place, onAsk, onClose }: { place: string; onAsk(): void; onClose(): void }) {
  return (
    <div className={styles.bar} role="toolbar" aria-label="Chosen lines">
      <code className={styles.place}>{place}</code>
      <Button look="primary" icon={<MessageSquareQuote />} onClick={onAsk}>
        Ask the agent about this <Kbd keys="a" />
      </Button>
      <IconButton label="Let go" keys="esc" icon={<X />} onClick={onClose} />
    </div>
  );
}
