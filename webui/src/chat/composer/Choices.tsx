import type { ReactNode } from "react";
import { useChat } from "../context";
import { choiceOf, choicesOf } from "../core/control";
import { CHOICES, type ChoiceName } from "../core/frames";
import { useChatState } from "../useChatState";
import { ChoiceMenu } from "./ChoiceMenu";
import styles from "./Choices.module.css";

const WORDS = { model: "Model", mode: "Permission mode", thinking: "Thinking" } as const satisfies Record<ChoiceName, string>;

/** Model, permission mode and thinking, as far as this agent lets them be changed. What it uses now is what it said last. */
export function Choices(): ReactNode {
  const { engine, capabilities } = useChat();
  const offers = useChatState((state) => state.view.offers);
  const agent = useChatState((state) => state.view.agent);
  const choosing = useChatState((state) => state.view.choosing);
  const live = useChatState((state) => state.link.state === "live");
  const names = CHOICES.filter((name) => capabilities?.[name] === true && choicesOf(offers, name).length > 0);
  if (names.length === 0) return null;
  const runs = agent?.state === "ready" || agent?.state === "starting";
  return (
    <div className={styles.choices} role="group" aria-label="How the agent works">
      {names.map((name) => {
        const choices = choicesOf(offers, name);
        const asked = choosing[name];
        const now = agent?.[name] ?? "";
        return (
          <ChoiceMenu
            key={name}
            name={name}
            label={WORDS[name]}
            choices={choices}
            now={choiceOf(choices, now)?.label ?? now}
            chosen={choiceOf(choices, asked ?? now)?.id ?? ""}
            asked={asked === undefined ? "" : (choiceOf(choices, asked)?.label ?? asked)}
            later={!runs}
            disabled={!live}
            onChoose={(id) => engine.choose({ [name]: id })}
          />
        );
      })}
    </div>
  );
}
