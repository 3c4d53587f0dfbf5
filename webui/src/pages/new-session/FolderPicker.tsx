import { CornerLeftUp, Folder, FolderGit2, FolderLock } from "lucide-react";
import type { FolderListing } from "../../api/types";
import styles from "./FolderPicker.module.css";

interface FolderPickerProps {
  listing: FolderListing | undefined;
  onPick(path: string): void;
}

/** The folders in a folder. Pressing one picks it and shows what is in it. */
export function FolderPicker({ listing, onPick }: FolderPickerProps) {
  if (!listing) return <div className={styles.picker} />;
  const { parent } = listing;
  const folders = listing.folders.filter((folder) => folder.name !== ".git");
  return (
    <div className={styles.picker}>
      <div className={styles.path}>
        <button type="button" className={styles.up} disabled={parent === null} aria-label="The folder above" onClick={() => parent !== null && onPick(parent)}>
          <CornerLeftUp />
        </button>
        <span className={styles.here}>{listing.path}</span>
        {listing.is_repo && <span className={styles.repo}>git repository</span>}
      </div>
      <ul className={styles.list} aria-label={`Folders in ${listing.path}`}>
        {folders.map((folder) => (
          <li key={folder.path}>
            <button type="button" className={styles.folder} disabled={!folder.readable} onClick={() => onPick(folder.path)}>
              {!folder.readable ? <FolderLock /> : folder.is_repo ? <FolderGit2 className={styles.git} /> : <Folder />}
              <span className={styles.name}>{folder.name}</span>
              {folder.is_repo && <span className={styles.repo}>git repository</span>}
              {!folder.readable && <span className={styles.repo}>not readable</span>}
            </button>
          </li>
        ))}
        {folders.length === 0 && <li className={styles.none}>No folders in here.</li>}
        {listing.more && <li className={styles.none}>There are more; type the path.</li>}
      </ul>
    </div>
  );
}
