import type { LocalSource } from "../../api/types";
import { ChoiceCard } from "./ChoiceCard";
import styles from "./ModeChoice.module.css";

interface ModeChoiceProps {
  mode: LocalSource["mode"];
  /** Whether the folder is a git repository; undefined while that is not known. */
  isRepo: boolean | undefined;
  onChoose(mode: LocalSource["mode"]): void;
}

export function ModeChoice({ mode, isRepo, onChoose }: ModeChoiceProps) {
  return (
    <div role="radiogroup" aria-label="How to work in it" className={styles.modes}>
      <ChoiceCard
        name="mode"
        title="Worktree"
        note={isRepo === false ? "Needs a git repository, which this folder is not." : "A checkout of its own, on a new branch. Your folder is not touched."}
        checked={mode === "worktree"}
        disabled={isRepo === false}
        onChoose={() => onChoose("worktree")}
      />
      <ChoiceCard
        name="mode"
        title="In place"
        note="In the folder itself: you see every change at once."
        checked={mode === "in_place"}
        onChoose={() => onChoose("in_place")}
      />
    </div>
  );
}
