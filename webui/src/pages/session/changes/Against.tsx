import { useEffect, useState } from "react";
import { ports } from "../../../ports";
import type { Refs } from "../../../ports/workspace";
import { DEFAULT_BRANCH, LAST_COMMIT } from "../../../stores/changes";
import { Select } from "../../../ui/Select";
import styles from "./Against.module.css";

/** What the changes are counted from: the last commit, the default branch, or any branch or tag. */
export function Against({ session, against, onChange }: { session: string; against: string; onChange(against: string): void }) {
  const [refs, setRefs] = useState<Refs>();
  useEffect(() => {
    // Without the list there are still the two choices that need none.
    ports().workspace.refs(session).then(setRefs, () => undefined);
  }, [session]);
  const named = [...(refs?.branches ?? []), ...(refs?.tags ?? [])];
  const own = against !== LAST_COMMIT && against !== DEFAULT_BRANCH && !named.includes(against);
  return (
    <label className={styles.against}>
      <span className={styles.label}>against</span>
      <Select value={against} onChange={(event) => onChange(event.target.value)}>
        <option value={LAST_COMMIT}>the last commit</option>
        <option value={DEFAULT_BRANCH}>{refs?.default ? `${refs.default} (default branch)` : "the default branch"}</option>
        {own && <option value={against}>{against}</option>}
        <Group label="Branches" names={refs?.branches ?? []} />
        <Group label="Tags" names={refs?.tags ?? []} />
      </Select>
    </label>
  );
}

function Group({ label, names }: { label: string; names: readonly string[] }) {
  if (names.length === 0) return null;
  return (
    <optgroup label={label}>
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </optgroup>
  );
}
