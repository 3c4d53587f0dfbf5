import type { Problem } from "../../api/problem";
import type { Agent } from "../../api/types";
import { Ticks } from "../../ui/Ticks";
import styles from "./AgentCards.module.css";
import { ChoiceCard } from "./ChoiceCard";
import { Wrong } from "./Field";

interface AgentCardsProps {
  agents: readonly Agent[] | undefined;
  chosen: string;
  problem: Problem | undefined;
  onChoose(name: string): void;
}

/** The agents of this machine; of those that cannot be used, why, and what to do. */
export function AgentCards({ agents, chosen, problem, onChoose }: AgentCardsProps) {
  return (
    <fieldset className={styles.agents}>
      <legend className={styles.legend}>Agent</legend>
      <div className={styles.cards}>
        {agents?.map((agent) => (
          <ChoiceCard
            key={agent.name}
            name="agent"
            title={agent.label}
            aside={agent.version}
            checked={agent.name === chosen}
            disabled={!agent.available}
            onChoose={() => onChoose(agent.name)}
            note={<Ticks text={noteOf(agent)} />}
          />
        ))}
        {!agents && <p className={styles.note}>Looking for agents on this machine …</p>}
      </div>
      {problem && <Wrong problem={problem} />}
    </fieldset>
  );
}

function noteOf(agent: Agent): string {
  if (agent.problem || agent.hint) return [agent.problem, agent.hint].filter(Boolean).join(" ");
  return agent.name === "demo" ? "Needs no account and no network. Shows how it all works." : agent.path;
}
