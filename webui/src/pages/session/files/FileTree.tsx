import { ChevronDown, ChevronRight, File, FileSymlink, Folder, FolderOpen } from "lucide-react";
import { type DragEvent, type KeyboardEvent, useState } from "react";
import type { Entry } from "../../../ports/workspace";
import { classes } from "../../../ui/classes";
import styles from "./FileTree.module.css";
import { folderOf } from "./paths";
import type { Tree, TreeRow } from "./useTree";

interface FileTreeProps {
  tree: Tree;
  chosen: Entry | undefined;
  shown: string | undefined;
  unsaved(path: string): boolean;
  onChoose(entry: Entry): void;
  onOpen(entry: Entry): void;
  onRename(entry: Entry): void;
  onDelete(entry: Entry): void;
  onDrop(folder: string, files: readonly File[]): void;
}

/** Folders and files. Arrow keys move and open, Enter shows, F2 renames, Delete deletes; files dropped on it are uploaded there. */
export function FileTree(props: FileTreeProps) {
  const { tree, chosen, shown, onDrop } = props;
  const [over, setOver] = useState<string>();
  const drag = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    setOver(folderUnder(event.target));
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(undefined);
    onDrop(folderUnder(event.target), [...event.dataTransfer.files]);
  };
  const stop = chosen?.path ?? shown;
  const reachable = tree.rows.some((row) => row.type === "entry" && row.entry.path === stop) ? stop : first(tree.rows);
  return (
    <div
      role="tree"
      aria-label="Files"
      className={classes(styles.tree, over === "" && styles.over)}
      onKeyDown={(event) => press(event, props)}
      onDragOver={drag}
      onDragLeave={(event) => event.currentTarget.contains(event.relatedTarget as Node | null) || setOver(undefined)}
      onDrop={drop}
    >
      {tree.rows.map((row) => (
        <Row key={keyOf(row)} row={row} over={over} tabStop={reachable} {...props} />
      ))}
    </div>
  );
}

function Row({ row, over, tabStop, tree, chosen, shown, unsaved, onChoose, onOpen }: FileTreeProps & { row: TreeRow; over: string | undefined; tabStop: string | undefined }) {
  const indent = { paddingLeft: 8 + row.depth * 14 };
  if (row.type === "more") {
    return (
      <button type="button" className={classes(styles.row, styles.more)} style={indent} onClick={() => tree.more(row.folder, row.cursor)}>
        Show more
      </button>
    );
  }
  if (row.type === "problem" || row.type === "empty") {
    return (
      <div className={classes(styles.row, styles.note)} style={indent}>
        {row.type === "empty" ? "empty" : row.problem.detail}
      </div>
    );
  }
  const { entry, open } = row;
  const folder = entry.kind === "folder";
  return (
    <div
      role="treeitem"
      aria-level={row.depth + 1}
      aria-expanded={folder ? open : undefined}
      aria-selected={entry.path === shown}
      tabIndex={entry.path === tabStop ? 0 : -1}
      data-path={entry.path}
      data-folder={folder ? entry.path : folderOf(entry.path)}
      title={entry.target ? `${entry.name} → ${entry.target}` : undefined}
      className={classes(styles.row, entry.path === shown && styles.shown, entry.path === chosen?.path && styles.chosen, folder && over === entry.path && styles.over)}
      style={indent}
      onFocus={() => onChoose(entry)}
      onClick={() => (folder ? tree.toggle(entry.path) : onOpen(entry))}
    >
      <span className={styles.arrow}>{folder && (open ? <ChevronDown /> : <ChevronRight />)}</span>
      {iconOf(entry, open)}
      <span className={styles.name}>{entry.name}</span>
      {unsaved(entry.path) && <span className={styles.unsaved} role="img" aria-label="not saved" />}
    </div>
  );
}

function iconOf({ kind }: Entry, open: boolean) {
  if (kind === "folder") return open ? <FolderOpen aria-hidden /> : <Folder aria-hidden />;
  return kind === "link" ? <FileSymlink aria-hidden /> : <File aria-hidden />;
}

function press(event: KeyboardEvent<HTMLElement>, { tree, onOpen, onRename, onDelete }: FileTreeProps): void {
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-path]")];
  const at = items.indexOf(event.target as HTMLElement);
  const row = tree.rows.find((each) => each.type === "entry" && each.entry.path === items[at]?.dataset.path);
  if (row?.type !== "entry") return;
  const { entry, open } = row;
  const folder = entry.kind === "folder";
  const focus = (index: number) => items[index]?.focus();
  const act: Record<string, () => void> = {
    ArrowDown: () => focus(at + 1),
    ArrowUp: () => focus(at - 1),
    Home: () => focus(0),
    End: () => focus(items.length - 1),
    ArrowRight: () => (folder && !open ? tree.toggle(entry.path) : focus(at + 1)),
    ArrowLeft: () => (folder && open ? tree.toggle(entry.path) : items.find((item) => item.dataset.path === folderOf(entry.path))?.focus()),
    Enter: () => (folder ? tree.toggle(entry.path) : onOpen(entry)),
    " ": () => (folder ? tree.toggle(entry.path) : onOpen(entry)),
    F2: () => onRename(entry),
    Delete: () => onDelete(entry),
  };
  const run = event.ctrlKey || event.metaKey || event.altKey ? undefined : act[event.key];
  if (!run) return;
  event.preventDefault();
  event.stopPropagation();
  run();
}

function folderUnder(target: EventTarget): string {
  return target instanceof Element ? (target.closest<HTMLElement>("[data-folder]")?.dataset.folder ?? "") : "";
}

function first(rows: readonly TreeRow[]): string | undefined {
  const row = rows.find((each) => each.type === "entry");
  return row?.type === "entry" ? row.entry.path : undefined;
}

function keyOf(row: TreeRow): string {
  return row.type === "entry" ? row.entry.path : `${row.type} ${row.folder}`;
}
