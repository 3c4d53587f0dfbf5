import { Copy } from "lucide-react";
import type { ReactNode } from "react";
import type { Session } from "../../api/types";
import { stateOf } from "../../stores/state";
import { tell, tellProblem } from "../../stores/toasts";
import { IconButton } from "../../ui/IconButton";
import { RelativeTime } from "../../ui/RelativeTime";
import { Ticks } from "../../ui/Ticks";
import { cost, model, sourcePlace } from "../../ui/words";
import styles from "./Inspector.module.css";
import { Breakable } from "./Breakable";
import { SessionState } from "./SessionState";

/** What there is to know about a session beside its conversation. */
export function Inspector({ session }: { session: Session }) {
  const state = stateOf(session);
  const { source, activity } = session;
  return (
    <div className={styles.inspector}>
      <section className={styles.section}>
        <h2 className={styles.title}>{state.kind === "waiting" ? "Waits for" : "State"}</h2>
        <SessionState session={session} />
        {state.what && state.kind !== "failed" && <p className={styles.what}><Ticks text={state.what} /></p>}
      </section>
      <section className={styles.section}>
        <h2 className={styles.title}>Environment</h2>
        <dl className={styles.facts}>
          <Fact name="Agent">{session.agent}</Fact>
          <Fact name="Model">{model(session) || "the agent's own choice"}</Fact>
          <Fact name="Source" copy={source.type === "empty" ? "" : sourcePlace(source)}>
            <Breakable text={sourcePlace(source)} />
            {source.type === "local" && <span className={styles.note}>{source.mode === "worktree" ? "in a worktree of its own" : "in place"}</span>}
          </Fact>
          {session.branch && (
            <Fact name="Branch" copy={session.branch}>
              <Breakable text={session.branch} />
            </Fact>
          )}
          {session.workspace && (
            <Fact name="Workspace" copy={session.workspace}>
              <Breakable text={session.workspace} />
            </Fact>
          )}
        </dl>
      </section>
      <section className={styles.section}>
        <h2 className={styles.title}>Use</h2>
        <dl className={styles.facts}>
          <Fact name="Cost">{cost(session)}</Fact>
          {/* Known only from a session that runs: 0 would be a lie about one that does not. */}
          {session.status === "running" && <Fact name="Messages">{activity.messages}</Fact>}
          <Fact name="Last active">
            <RelativeTime time={session.last_active} suffix=" ago" />
          </Fact>
          <Fact name="Created">
            <RelativeTime time={session.created_at} suffix=" ago" />
          </Fact>
        </dl>
      </section>
    </div>
  );
}

function Fact({ name, copy, children }: { name: string; copy?: string; children: ReactNode }) {
  const take = () => navigator.clipboard.writeText(copy ?? "").then(() => tell("Copied."), tellProblem);
  return (
    <div className={styles.fact}>
      <dt>{name}</dt>
      <dd className={styles.value}>{children}</dd>
      {copy && <IconButton label={`Copy ${name.toLowerCase()}`} icon={<Copy />} className={styles.copy} onClick={() => void take()} />}
    </div>
  );
}
