import type { Problem } from "../../api/problem";
import { Input } from "../../ui/Input";
import { Tabs } from "../../ui/Tabs";
import { Field, Wrong } from "./Field";
import { LocalFields } from "./LocalFields";
import styles from "./SourceFields.module.css";
import type { Draft } from "./useDraft";

const KINDS = [
  { id: "local", label: "Folder" },
  { id: "git", label: "Git URL" },
  { id: "empty", label: "Empty" },
] as const;

/** Where the code comes from. */
export function SourceFields({ draft, problem }: { draft: Draft; problem: Problem | undefined }) {
  const { kind, git } = draft;
  const about = problem && /branch/i.test(problem.detail) ? "branch" : "place";
  return (
    <fieldset className={styles.source}>
      <legend className={styles.legend}>Code</legend>
      <Tabs look="segments" label="Where the code comes from" tabs={KINDS} current={kind} onChange={draft.setKind} />
      {kind === "local" && <LocalFields draft={draft} problem={problem} about={about} />}
      {kind === "git" && (
        <div className={styles.pair}>
          <Field label="Repository" problem={about === "place" ? problem : undefined} note="Cloned into a folder of its own.">
            {(props) => (
              <Input
                {...props}
                autoFocus
                mono
                inputMode="url"
                placeholder="https://host/owner/repo.git"
                value={git.url}
                onChange={(event) => draft.setGit({ url: event.target.value.trim() })}
              />
            )}
          </Field>
          <Field label="Branch" optional problem={about === "branch" ? problem : undefined} note="Empty: the default one.">
            {(props) => <Input {...props} mono value={git.branch} onChange={(event) => draft.setGit({ branch: event.target.value.trim() })} />}
          </Field>
        </div>
      )}
      {kind === "empty" && <p className={styles.note}>A new, empty folder that Volundr makes and keeps for this session.</p>}
      {kind === "empty" && problem && <Wrong problem={problem} />}
    </fieldset>
  );
}
