import { type ReactNode, useState } from "react";
import { Button } from "../../ui/Button";
import { useChat } from "../context";
import type { Deciding } from "../core/engine";
import type { Json } from "../core/frames";
import type { PermissionEntry } from "../core/view";
import styles from "./Questions.module.css";

export interface Question {
  question: string;
  many: boolean;
  options: readonly { label: string; description: string }[];
}

interface QuestionsProps {
  permission: PermissionEntry;
  questions: readonly Question[];
  deciding: Deciding | undefined;
}

/** The agent asks something with answers to choose from; the answers go back as the call's input. */
export function Questions({ permission, questions, deciding }: QuestionsProps): ReactNode {
  const { decide } = useChat();
  const [chosen, setChosen] = useState<Readonly<Record<string, readonly string[]>>>({});
  const [words, setWords] = useState<Readonly<Record<string, string>>>({});
  const busy = deciding !== undefined && deciding.error === "";
  const answer = (question: string): string => [...(chosen[question] ?? []), words[question]?.trim() ?? ""].filter(Boolean).join(", ");
  const ready = questions.every(({ question }) => answer(question) !== "");
  const choose = ({ question, many }: Question, label: string): void => {
    const now = chosen[question] ?? [];
    const next = many ? (now.includes(label) ? now.filter((one) => one !== label) : [...now, label]) : [label];
    setChosen({ ...chosen, [question]: next });
  };
  const send = (): void => {
    const answers = Object.fromEntries(questions.map(({ question }) => [question, answer(question)]));
    decide(permission.id, { decision: "allow", scope: "once", message: "", input: { ...permission.input, answers } });
  };
  return (
    <div className={styles.questions}>
      {questions.map((one, at) => (
        <fieldset key={at} className={styles.question} disabled={busy}>
          <legend>{one.question}</legend>
          {one.options.map(({ label, description }) => (
            <label key={label} className={styles.option}>
              <input
                type={one.many ? "checkbox" : "radio"}
                name={`${permission.id}-${at}`}
                checked={chosen[one.question]?.includes(label) ?? false}
                onChange={() => choose(one, label)}
              />
              <span>{label}{description !== "" && <small>{description}</small>}</span>
            </label>
          ))}
          <input
            className={styles.other}
            placeholder="Or in your own words"
            aria-label={`${one.question} In your own words`}
            value={words[one.question] ?? ""}
            onChange={(event) => setWords({ ...words, [one.question]: event.target.value })}
          />
        </fieldset>
      ))}
      <div className={styles.actions}>
        <Button look="primary" disabled={!ready} busy={busy} onClick={send}>Answer</Button>
        <Button
          look="quiet"
          data-answer="n"
          disabled={busy}
          onClick={() => decide(permission.id, { decision: "deny", scope: "once", message: "", input: null })}
        >
          Do not answer
        </Button>
      </div>
      {deciding !== undefined && deciding.error !== "" && <p className={styles.error} role="alert">{deciding.error}</p>}
    </div>
  );
}

export function questionsOf(input: Json): readonly Question[] {
  const list = input["questions"];
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    if (typeof item !== "object" || item === null) return [];
    const { question, multiSelect, options } = item as Record<string, unknown>;
    if (typeof question !== "string" || !Array.isArray(options)) return [];
    return [{ question, many: multiSelect === true, options: options.flatMap(option) }];
  });
}

function option(value: unknown): { label: string; description: string }[] {
  if (typeof value === "string") return [{ label: value, description: "" }];
  if (typeof value !== "object" || value === null) return [];
  const { label, description } = value as Record<string, unknown>;
  return typeof label === "string" ? [{ label, description: typeof description === "string" ? description : "" }] : [];
}
