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
  return (
    <ul className={styles.list}>
      {system.agents.map((agent) => (
        <FoundLine key={agent.name} name={agent.label} found={agent.available} words={agent.problem || agent.version} hint={agent.hint} />
      ))}
      {system.tools.map((tool) => (
        <FoundLine key={tool.name} name={tool.name} found={tool.version !== ""} words={tool.version} hint={tool.hint} />
      ))}
    </ul>
  );
}
