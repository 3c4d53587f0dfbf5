import { ArrowLeft, Download, FileQuestion, Save, WrapText } from "lucide-react";
import { Suspense, lazy, useEffect, useState } from "react";
import { ports } from "../../../ports";
import type { Root } from "../../../ports/workspace";
import { Button } from "../../../ui/Button";
import { Empty } from "../../../ui/Empty";
import { IconButton } from "../../../ui/IconButton";
import { NARROW, useMedia } from "../../../ui/useMedia";
import { ConflictDialog } from "./ConflictDialog";
import styles from "./FilePane.module.css";
import { buffers } from "./buffers";
import { bytesIn } from "./content";
import { folderOf, nameOf } from "./paths";
import { type OpenFile, useFile } from "./useFile";

const Editor = lazy(() => import("./Editor"));

interface FilePaneProps {
  session: string;
  root: Root;
  path: string;
  line: number | undefined;
  version: number;
  onBack(): void;
  onSaved(): void;
}

/** One file: a text to edit, a picture to see, or why it is neither. */
export function FilePane({ session, root, path, line, version, onBack, onSaved }: FilePaneProps) {
  const file = useFile(session, root, path, version, onSaved);
  const narrow = useMedia(NARROW);
  const [wrap, setWrap] = useState(narrow);
  const address = ports().workspace.address(session, root, path);
  useLeaveGuard();
  const isText = file.shown?.kind === "text";
  return (
    <section className={styles.pane} aria-label={path}>
      <header className={styles.head}>
        {narrow && <IconButton label="All files" icon={<ArrowLeft />} onClick={onBack} />}
        <span className={styles.path} title={path}>
          <bdi dir="ltr">
            <span className={styles.folder}>{folderOf(path) && `${folderOf(path)}/`}</span>
            {nameOf(path)}
          </bdi>
        </span>
        {file.dirty && <span className={styles.dirty}>not saved</span>}
        <span className={styles.space} />
        {isText && <IconButton label="Wrap long lines" icon={<WrapText />} pressed={wrap} onClick={() => setWrap(!wrap)} />}
        <a className={styles.download} href={address} download={nameOf(path)} aria-label={`Download ${nameOf(path)}`} title="Download">
          <Download aria-hidden />
        </a>
        {isText && (
          <Button look={file.dirty ? "primary" : "plain"} icon={<Save />} busy={file.saving} disabled={!file.dirty} onClick={() => void file.save()}>
            Save
          </Button>
        )}
      </header>
      {file.outdated && (
        <div className={styles.outdated} role="status">
          The file changed on disk since you began to edit it.
          <Button onClick={() => void file.reload()}>Reload, and lose what I typed</Button>
        </div>
      )}
      <Body file={file} path={path} line={line} wrap={wrap} address={address} />
      {file.conflict && (
        <ConflictDialog
          session={session}
          root={root}
          path={path}
          mine={() => buffers.get(session, root, path)?.text ?? ""}
          onOverwrite={() => void file.overwrite()}
          onReload={() => void file.reload()}
          onClose={file.settle}
        />
      )}
    </section>
  );
}

function Body({ file, path, line, wrap, address }: { file: OpenFile; path: string; line: number | undefined; wrap: boolean; address: string }) {
  const { shown, problem } = file;
  if (problem) {
    return (
      <Empty icon={<FileQuestion />} title={problem.detail} action={<Button onClick={() => void file.reload()}>Try again</Button>}>
        {problem.hint}
      </Empty>
    );
  }
  if (!shown) return null;
  switch (shown.kind) {
    case "image":
      return <Picture blob={shown.blob} name={nameOf(path)} size={shown.size} />;
    case "binary":
      return (
        <Empty icon={<FileQuestion />} title="This file is not a text." action={<a className={styles.link} href={address} download={nameOf(path)}>Download it</a>}>
          {bytesIn(shown.size)} that cannot be shown as letters.
        </Empty>
      );
    case "large":
      return (
        <Empty icon={<FileQuestion />} title={`This file is large: ${bytesIn(shown.size)}.`} action={<Button onClick={file.loadAnyway}>Load anyway</Button>}>
          Opening it may make this page slow for a moment.
        </Empty>
      );
    case "text":
      return (
        <Suspense fallback={null}>
          <Editor key={path} path={path} text={file.first} breaks={shown.breaks} fresh={file.fresh} wrap={wrap} line={line} onChange={file.type} onSave={() => void file.save()} />
        </Suspense>
      );
  }
}

function Picture({ blob, name, size }: { blob: Blob; name: string; size: number }) {
  const [url, setUrl] = useState("");
  const [shape, setShape] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return (
    <figure className={styles.picture}>
      {url && <img src={url} alt={name} onLoad={({ currentTarget: it }) => setShape(`${it.naturalWidth} × ${it.naturalHeight} · `)} />}
      <figcaption>
        {shape}
        {bytesIn(size)}
      </figcaption>
    </figure>
  );
}

/** Closing the page would lose what is not saved: the browser asks first. */
function useLeaveGuard(): void {
  useEffect(() => {
    const ask = (event: BeforeUnloadEvent) => buffers.any() && event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, []);
}
