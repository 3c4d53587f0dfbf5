import { Ellipsis, FilePlus, FolderPlus, FolderTree, Pencil, RefreshCw, Search, Trash2, Upload } from "lucide-react";
import { useRef } from "react";
import type { Entry, Root } from "../../../ports/workspace";
import { IconButton } from "../../../ui/IconButton";
import { Menu } from "../../../ui/Menu";
import { Select } from "../../../ui/Select";
import styles from "./FilesTab.module.css";

interface FilesBarProps {
  root: Root;
  finding: boolean;
  chosen: Entry | undefined;
  busy: boolean;
  onRoot(root: Root): void;
  onFind(): void;
  onUpload(files: readonly File[]): void;
  onNew(kind: "file" | "folder"): void;
  onRename(entry: Entry): void;
  onDelete(entry: Entry): void;
  onRefresh(): void;
}

/** What can be done with files, over the tree. */
export function FilesBar({ root, finding, chosen, busy, onRoot, onFind, onUpload, onNew, onRename, onDelete, onRefresh }: FilesBarProps) {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <div className={styles.bar}>
      <Select aria-label="Which folder" value={root} className={styles.root} onChange={(event) => onRoot(event.target.value === "home" ? "home" : "workspace")}>
        <option value="workspace">Workspace</option>
        <option value="home">Agent's home</option>
      </Select>
      <IconButton label={finding ? "Show the tree" : "Search"} icon={finding ? <FolderTree /> : <Search />} pressed={finding} onClick={onFind} />
      <IconButton label="New file" icon={<FilePlus />} onClick={() => onNew("file")} />
      <Menu
        label="More"
        icon={<Ellipsis />}
        items={[
          { label: "New folder", icon: <FolderPlus />, run: () => onNew("folder") },
          { label: busy ? "Uploading …" : "Upload files", icon: <Upload />, disabled: busy, run: () => picker.current?.click() },
          { label: "Look again", icon: <RefreshCw />, run: onRefresh },
          "line",
          { label: chosen ? `Rename ${chosen.name}` : "Rename", icon: <Pencil />, keys: "F2", disabled: !chosen, run: () => chosen && onRename(chosen) },
          { label: chosen ? `Delete ${chosen.name} …` : "Delete …", icon: <Trash2 />, danger: true, disabled: !chosen, run: () => chosen && onDelete(chosen) },
        ]}
      />
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        aria-label="Files to upload"
        onChange={({ currentTarget: it }) => {
          onUpload([...(it.files ?? [])]);
          it.value = "";
        }}
      />
    </div>
  );
}
