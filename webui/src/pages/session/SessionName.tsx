import { type KeyboardEvent, useState } from "react";
import { asProblem } from "../../api/problem";
import type { Session } from "../../api/types";
import { useLayers } from "../../stores/layers";
import { problemOfName } from "../../stores/names";
import { useSessions } from "../../stores/sessions";
import { Input } from "../../ui/Input";
import { Tooltip } from "../../ui/Tooltip";
import styles from "./SessionName.module.css";

/** The name, which turns into a field when pressed: Enter keeps, Escape forgets. */
export function SessionName({ session }: { session: Session }) {
  const editing = useLayers((state) => state.renaming === session.id);
  const edit = useLayers((state) => state.rename);
  if (editing) return <NameField session={session} onDone={() => edit(undefined)} />;
  return (
    <h1 className={styles.name}>
      <Tooltip text="Rename" className={styles.anchor}>
        <button type="button" className={styles.button} aria-label={`${session.name}: rename`} onClick={() => edit(session.id)}>
          {session.name}
        </button>
      </Tooltip>
    </h1>
  );
}

function NameField({ session, onDone }: { session: Session; onDone: () => void }) {
  const [name, setName] = useState(session.name);
  const [refused, setRefused] = useState("");
  const problem = problemOfName(name) || refused;
  const keep = async () => {
    if (problemOfName(name)) return;
    if (name === session.name) return onDone();
    try {
      await useSessions.getState().rename(session.id, name);
      onDone();
    } catch (error) {
      const { detail, hint } = asProblem(error);
      setRefused([detail, hint].filter(Boolean).join(" "));
    }
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter") void keep();
    else if (event.key === "Escape") onDone();
  };
  return (
    <span className={styles.edit}>
      <Input
        autoFocus
        aria-label="Name of the session"
        value={name}
        invalid={problem !== ""}
        onFocus={(event) => event.target.select()}
        onChange={(event) => {
          setName(event.target.value);
          setRefused("");
        }}
        onKeyDown={press}
        onBlur={() => (problem || name === session.name ? onDone() : void keep())}
      />
      {problem && (
        <span role="alert" className={styles.problem}>
          {problem}
        </span>
      )}
    </span>
  );
}
