import type { Tool } from "../../api/types";
import { useSystem } from "../../stores/system";
import { Button } from "../../ui/Button";
import { FoundLine } from "./FoundLine";
import styles from "./Machine.module.css";

/** What was found on the forge's machine. */
export function Machine() {
  const { system, problem, load } = useSystem();
  if (!system) {
    return problem ? (
      <p className={styles.problem}>
        {problem.detail} <Button onClick={() => void load()}>Look again</Button>
      </p>
    ) : (
      <p className={styles.note}>Looking what is on this machine …</p>
    );
  }
  const tools: [string, Tool][] = [
    ...system.agents.map((agent): [string, Tool] => [agent.label, agent]),
    ["git", system.git],
    ["Docker", system.docker],
  ];
  return (
    <ul className={styles.list}>
      {tools.map(([name, tool]) => (
        <FoundLine key={name} name={name} tool={tool} />
      ))}
    </ul>
  );
}
