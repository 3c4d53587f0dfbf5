import { ChevronRight, ListChecks } from "lucide-react";
import type { ReactNode } from "react";
import { useOpen } from "../context";
import { Plan } from "../parts/Plan";
import { useChatState } from "../useChatState";
import styles from "./AgentPlan.module.css";

const STATES = { pending: "pending", working: "in_progress", done: "completed" } as const;

/** The agent's own plan: one line, the whole list on demand. A plan that is done is out of the way. */
export function AgentPlan(): ReactNode {
  const tasks = useChatState((state) => state.view.tasks);
  const [open, toggle] = useOpen("agent-plan");
  const done = tasks.filter((task) => task.state === "done").length;
  if (tasks.length === 0 || done === tasks.length) return null;
  const now = tasks.find((task) => task.state === "working") ?? tasks.find((task) => task.state === "pending");
  return (
    <section className={styles.plan} aria-label="The agent's plan">
      <button type="button" className={styles.line} aria-expanded={open} onClick={toggle}>
        <ListChecks aria-hidden />
        <span className={styles.count}>{done} of {tasks.length}</span>
        <span className={styles.now}>{now?.text}</span>
        <ChevronRight aria-hidden className={styles.fold} />
      </button>
      {open && <div className={styles.list}><Plan todos={tasks.map(({ text, state }) => ({ text, state: STATES[state] }))} /></div>}
    </section>
  );
}
