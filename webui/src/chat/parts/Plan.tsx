import { CircleCheck, CircleDashed, CircleDot } from "lucide-react";
import type { ReactNode } from "react";
import type { Todo } from "../tools/describe";
import styles from "./Plan.module.css";

const LOOK = {
  completed: { Icon: CircleCheck, word: "done" },
  in_progress: { Icon: CircleDot, word: "now" },
  pending: { Icon: CircleDashed, word: "to do" },
} as const;

export function Plan({ todos }: { todos: readonly Todo[] }): ReactNode {
  return (
    <ol className={styles.plan}>
      {todos.map(({ text, state }, at) => {
        const { Icon, word } = LOOK[state];
        return (
          <li key={at} data-state={state}>
            <Icon role="img" aria-label={word} />
            <span>{text}</span>
          </li>
        );
      })}
    </ol>
  );
}
