import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { type Problem, asProblem } from "../../api/problem";
import { useSessions } from "../../stores/sessions";
import { useSystem } from "../../stores/system";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Input } from "../../ui/Input";
import { Kbd } from "../../ui/Kbd";
import { AgentCards } from "./AgentCards";
import { Field } from "./Field";
import styles from "./NewSessionDialog.module.css";
import { SourceFields } from "./SourceFields";
import { TransportField } from "./TransportField";
import { type Place, placeOf } from "./errors";
import { useDraft } from "./useDraft";

/** Everything a session needs; what can be guessed is filled in. `demo`: with the demo agent, in an empty folder. */
export function NewSessionDialog({ demo, onClose }: { demo: boolean; onClose: () => void }) {
  const [, go] = useLocation();
  const system = useSystem((state) => state.system);
  const draft = useDraft(system?.agents ?? [], demo);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  useEffect(() => void useSystem.getState().load(), []);
  useEffect(() => setProblem(undefined), [draft.session]);
  const at = (place: Place) => (problem && placeOf(problem, draft.session) === place ? problem : undefined);
  const create = async () => {
    if (draft.missing || busy) return;
    setBusy(true);
    setProblem(undefined);
    try {
      const session = await useSessions.getState().create(draft.session);
      onClose();
      go(`/sessions/${session.id}`);
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  const general = at("form");
  return (
    <Dialog
      title="New session"
      wide
      onClose={onClose}
      footer={
        <>
          <span className={styles.status} role="status">
            {busy ? "Checking the source …" : draft.missing || <Kbd keys="mod+enter" />}
          </span>
          <Button onClick={onClose}>Cancel</Button>
          <Button look="primary" busy={busy} disabled={draft.missing !== ""} onClick={() => void create()}>
            Create and start
          </Button>
        </>
      }
    >
      <form
        className={styles.form}
        onSubmit={(event) => event.preventDefault()}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) void create();
        }}
      >
        <SourceFields draft={draft} problem={at("source")} />
        <AgentCards agents={system?.agents} chosen={draft.session.agent} onChoose={(agent) => draft.change({ agent })} problem={at("agent")} />
        <div className={styles.pair}>
          <Field label="Name" problem={draft.nameProblem || at("name")} note="Also names the branch.">
            {(props) => <Input {...props} value={draft.session.name} onChange={(event) => draft.setName(event.target.value)} />}
          </Field>
          <Field label="Model" optional problem={at("model")} note="Empty: the agent's own choice.">
            {(props) => <Input {...props} value={draft.session.model} onChange={(event) => draft.change({ model: event.target.value })} />}
          </Field>
        </div>
        <TransportField agent={system?.agents.find((one) => one.name === draft.session.agent)} draft={draft} />
        {general && (
          <p role="alert" className={styles.problem}>
            {general.detail} {general.hint}
          </p>
        )}
      </form>
    </Dialog>
  );
}
