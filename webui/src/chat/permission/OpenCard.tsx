import { type ReactNode, useState } from "react";
import { StateMark } from "../../ui/StateMark";
import { useChat } from "../context";
import type { PermissionEntry } from "../core/view";
import { EditInput } from "../parts/EditInput";
import { useChatState } from "../useChatState";
import { Answers } from "./Answers";
import styles from "./OpenCard.module.css";
import { PlanAnswers } from "./PlanAnswers";
import { Questions, questionsOf } from "./Questions";
import { RuleNote } from "./RuleNote";
import { cardTitle, isPlan } from "./title";
import { Waiting } from "./Waiting";
import { WhatWillHappen } from "./WhatWillHappen";

/** Exactly what will happen, who asks and why, what a wider answer would keep, and the answers. */
export function OpenCard({ permission }: { permission: PermissionEntry }): ReactNode {
  const { capabilities, decide } = useChat();
  const since = Date.parse(permission.at);
  const asks = questionsOf(permission.input);
  const answerable = asks.length > 0 && capabilities?.edited_input === true;
  const [editing, setEditing] = useState(false);
  const plan = isPlan(permission);
  const changeable = capabilities?.edited_input === true && !plan && asks.length === 0 && Object.keys(permission.input).length > 0;
  const deciding = useChatState((state) => state.deciding[permission.id]);
  return (
    <section
      className={styles.card}
      data-permission={permission.id}
      tabIndex={-1}
      aria-label={`Waiting for you: ${permission.title}`}
    >
      <header className={styles.head}>
        <StateMark kind="waiting" />
        <span className={styles.state}>waiting for you</span>
        <span className={styles.who}>
          {permission.asker !== "" ? <>the sub-agent “{permission.asker}” asks</> : "the agent asks"}
        </span>
        <Waiting since={since} />
      </header>
      <p className={styles.title}>{cardTitle(permission)}</p>
      {permission.reason !== "" && <p className={styles.reason}>Why it asks: {permission.reason}</p>}
      {answerable ? (
        <Questions permission={permission} questions={asks} deciding={deciding} />
      ) : editing ? (
        <EditInput
          input={permission.input}
          busy={deciding !== undefined && deciding.error === ""}
          onBack={() => setEditing(false)}
          onAllow={(input) => decide(permission.id, { decision: "allow", scope: "once", message: "", input })}
        />
      ) : (
        <>
          <WhatWillHappen permission={permission} />
          {!plan && <RuleNote permission={permission} />}
          {plan ? (
            <PlanAnswers permission={permission} deciding={deciding} />
          ) : (
            <Answers permission={permission} deciding={deciding} onEdit={changeable ? () => setEditing(true) : undefined} />
          )}
        </>
      )}
      {editing && deciding !== undefined && deciding.error !== "" && <p className={styles.problem} role="alert">Your answer was not taken: {deciding.error}</p>}
    </section>
  );
}
