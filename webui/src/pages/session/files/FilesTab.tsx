import { File, Folders } from "lucide-react";
import { useCallback, useState } from "react";
import { useLocation, useSearch } from "wouter";
import type { Session } from "../../../api/types";
import { ports } from "../../../ports";
import type { Entry, Root } from "../../../ports/workspace";
import { changesOf, useChanges } from "../../../stores/changes";
import { Button } from "../../../ui/Button";
import { Dialog } from "../../../ui/Dialog";
import { Empty } from "../../../ui/Empty";
import { NARROW, useMedia } from "../../../ui/useMedia";
import { WhileRunning } from "../WhileRunning";
import { FilePane } from "./FilePane";
import { FileTree } from "./FileTree";
import { FilesBar } from "./FilesBar";
import styles from "./FilesTab.module.css";
import { NameDialog } from "./NameDialog";
import { RemoveDialog } from "./RemoveDialog";
import { type FindKind, SearchPanel } from "./SearchPanel";
import { buffers } from "./buffers";
import { folderOf, within } from "./paths";
import { type Uploads, useUpload } from "./useUpload";
import { type Tree, useTree } from "./useTree";

/** The files of the session's workspace, to read, find and edit. */
export default function FilesTab({ session }: { session: Session }) {
  return (
    <WhileRunning session={session} what="Its files" icon={<Folders />}>
      <Files id={session.id} />
    </WhileRunning>
  );
}

interface Place {
  root: Root;
  path: string | undefined;
  line: number | undefined;
  find: FindKind | undefined;
}

/** What is shown is part of the address: a link leads to a line of a file, and back goes back. */
function usePlace(session: string): [Place, (change: Partial<Place>) => void] {
  const query = new URLSearchParams(useSearch());
  const [, go] = useLocation();
  const find = query.get("find");
  const place: Place = {
    root: query.get("root") === "home" ? "home" : "workspace",
    path: query.get("path") ?? undefined,
    line: Number(query.get("line")) || undefined,
    find: find === "name" || find === "content" ? find : undefined,
  };
  const change = (wanted: Partial<Place>) => {
    const next = { ...place, ...wanted };
    const words = new URLSearchParams();
    if (next.root === "home") words.set("root", "home");
    if (next.find) words.set("find", next.find);
    if (next.path) words.set("path", next.path);
    if (next.line) words.set("line", String(next.line));
    go(`/sessions/${session}/files${words.size > 0 ? `?${words}` : ""}`);
  };
  return [place, change];
}

type Asked = { what: "file" | "folder" } | { what: "rename" | "delete"; entry: Entry } | undefined;

function Files({ id }: { id: string }) {
  const narrow = useMedia(NARROW);
  const [{ root, path, line, find }, go] = usePlace(id);
  const { version } = useChanges(changesOf(id));
  const tree = useTree(id, root, path, version);
  const [chosen, setChosen] = useState<Entry>();
  const [asked, setAsked] = useState<Asked>();
  const uploads = useUpload(id, root, () => void tree.refresh());
  const target = chosen ? (chosen.kind === "folder" ? chosen.path : folderOf(chosen.path)) : "";
  const onSaved = useCallback(() => void useChanges.getState().refresh(id), [id]);
  const side = (
    <div className={styles.side}>
      <FilesBar
        root={root}
        finding={find !== undefined}
        chosen={chosen}
        busy={uploads.busy}
        onRoot={(next) => go({ root: next, path: undefined, line: undefined })}
        onFind={() => go({ find: find ? undefined : "content" })}
        onUpload={(files) => void uploads.upload(target, files)}
        onNew={(what) => setAsked({ what })}
        onRename={(entry) => setAsked({ what: "rename", entry })}
        onDelete={(entry) => setAsked({ what: "delete", entry })}
        onRefresh={() => void tree.refresh()}
      />
      {find ? (
        <SearchPanel session={id} root={root} kind={find} onKind={(kind) => go({ find: kind })} onOpen={(to, at) => go({ path: to, line: at ?? undefined })} />
      ) : tree.problem ? (
        <Empty title={tree.problem.detail} action={<Button onClick={() => void tree.refresh()}>Try again</Button>}>
          {tree.problem.hint}
        </Empty>
      ) : tree.loaded && tree.rows.length === 0 ? (
        <Empty title="This folder is empty." action={<Button onClick={() => setAsked({ what: "file" })}>New file</Button>} />
      ) : (
        <FileTree
          tree={tree}
          chosen={chosen}
          shown={path}
          unsaved={(each) => buffers.get(id, root, each) !== undefined}
          onChoose={setChosen}
          onOpen={(entry) => go({ path: entry.path, line: undefined })}
          onRename={(entry) => setAsked({ what: "rename", entry })}
          onDelete={(entry) => setAsked({ what: "delete", entry })}
          onDrop={(folder, files) => void uploads.upload(folder, files)}
        />
      )}
    </div>
  );
  const pane = path ? (
    <FilePane key={`${root} ${path}`} session={id} root={root} path={path} line={line} version={version} onBack={() => go({ path: undefined, line: undefined })} onSaved={onSaved} />
  ) : (
    <Empty icon={<File />} title="Pick a file">
      Its text opens here, to read and to edit.
    </Empty>
  );
  return (
    <div className={styles.files}>
      {narrow ? (path ? pane : side) : (<>{side}{pane}</>)}
      <Asks id={id} root={root} asked={asked} folder={target} shown={path} tree={tree} go={go} onClose={() => setAsked(undefined)} />
      <Taken uploads={uploads} />
    </div>
  );
}

interface AsksProps {
  id: string;
  root: Root;
  asked: Asked;
  folder: string;
  shown: string | undefined;
  tree: Tree;
  go(change: Partial<Place>): void;
  onClose(): void;
}

function Asks({ id, root, asked, folder, shown, tree, go, onClose }: AsksProps) {
  const { workspace } = ports();
  if (!asked) return null;
  if (asked.what === "delete") {
    const { entry } = asked;
    const remove = async () => {
      await workspace.remove(id, root, entry.path, entry.kind === "folder");
      buffers.drop(id, root, entry.path);
      if (shown === entry.path || shown?.startsWith(`${entry.path}/`)) go({ path: undefined, line: undefined });
      await tree.refresh();
    };
    return <RemoveDialog entry={entry} run={remove} onClose={onClose} />;
  }
  if (asked.what === "rename") {
    const { entry } = asked;
    const rename = async (to: string) => {
      await workspace.rename(id, root, entry.path, to);
      if (shown === entry.path) go({ path: to });
      await tree.refresh();
    };
    return <NameDialog title={`Rename ${entry.name}`} verb="Rename" first={entry.path} run={rename} onClose={onClose} />;
  }
  const make = async (path: string) => {
    if (asked.what === "folder") await workspace.makeFolder(id, root, path);
    else await workspace.write(id, root, path, new Blob([]), "nothing");
    await tree.refresh();
    if (asked.what === "file") go({ path, line: undefined, find: undefined });
  };
  return <NameDialog title={asked.what === "folder" ? "New folder" : "New file"} verb="Create" first={within(folder, "")} run={make} onClose={onClose} />;
}

function Taken({ uploads: { taken, busy, overwrite, forget } }: { uploads: Uploads }) {
  if (taken.length === 0) return null;
  return (
    <Dialog
      title={taken.length === 1 ? "This file exists already" : `${taken.length} files exist already`}
      onClose={forget}
      footer={
        <>
          <Button onClick={forget}>Keep what is there</Button>
          <Button look="danger" busy={busy} onClick={() => void overwrite()}>
            Overwrite
          </Button>
        </>
      }
    >
      <ul className={styles.taken}>
        {taken.map(({ folder, file }) => (
          <li key={within(folder, file.name)}>
            <code>{within(folder, file.name)}</code>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
