import type { Problem } from "../../api/problem";
import { Input } from "../../ui/Input";
import { Field } from "./Field";
import { FolderPicker } from "./FolderPicker";
import { ModeChoice } from "./ModeChoice";
import type { Draft } from "./useDraft";
import { useFolders } from "./useFolders";

interface LocalFieldsProps {
  draft: Draft;
  problem: Problem | undefined;
  about: "branch" | "place";
}

/** A folder of the forge's machine: typed or picked; worked on in place or in a worktree. */
export function LocalFields({ draft, problem, about }: LocalFieldsProps) {
  const { local } = draft;
  const folders = useFolders(local.path);
  const { listing } = folders;
  const wrongPlace = (about === "place" && problem) || (local.path ? folders.problem : undefined);
  const isRepo = listing?.path === local.path ? listing.is_repo : undefined;
  const mode = isRepo === false ? "in_place" : local.mode;
  if (mode !== local.mode) draft.setLocal({ mode });
  return (
    <>
      <Field label="Folder on this machine" problem={wrongPlace}>
        {(props) => (
          <Input
            {...props}
            autoFocus
            mono
            placeholder="/path/to/your/repository"
            value={local.path}
            onChange={(event) => draft.setLocal({ path: event.target.value, mode: "worktree" })}
          />
        )}
      </Field>
      <FolderPicker listing={listing} onPick={(path) => draft.setLocal({ path, mode: "worktree" })} />
      <ModeChoice mode={mode} isRepo={isRepo} onChoose={(next) => draft.setLocal({ mode: next })} />
      {mode === "worktree" && (
        <Field label="Start from branch" optional problem={about === "branch" ? problem : undefined}>
          {(props) => <Input {...props} mono placeholder="where the folder is now" value={local.branch} onChange={(event) => draft.setLocal({ branch: event.target.value.trim() })} />}
        </Field>
      )}
    </>
  );
}
