import type { FolderListing, System } from "../api/types";

/** The machine that the forge runs on. */
export interface SystemPort {
  system(): Promise<System>;
  /** The folders in `path`; of the home folder when it is empty. */
  folders(path: string): Promise<FolderListing>;
}
