import type { Agent } from "../../api/types";
import { Select } from "../../ui/Select";
import { Field } from "./Field";
import type { Draft, Transport } from "./useDraft";

const WORDS: Record<string, string> = {
  shim: "A process that outlives restarts of Volundr",
  stdio: "A process of the session's broker",
  remote: "It connects from elsewhere",
  per_message: "A process for each message",
};

/** How the agent is run, where there is more than one way. */
export function TransportField({ agent, draft }: { agent: Agent | undefined; draft: Draft }) {
  if (!agent || agent.transports.length < 2) return null;
  return (
    <Field label="How it runs" optional note="What it can do while it works depends on this.">
      {({ invalid: _, ...props }) => (
        <Select {...props} value={draft.transport || agent.transports[0]} onChange={(event) => draft.setTransport((event.target.value === agent.transports[0] ? "" : event.target.value) as Transport)}>
          {agent.transports.map((transport, at) => (
            <option key={transport} value={transport}>{`${WORDS[transport] ?? transport}${at === 0 ? " (usual)" : ""}`}</option>
          ))}
        </Select>
      )}
    </Field>
  );
}
