/** What `files`, `search`, `changes`, `git` and `code` of a running session answer. */

export type Root = "workspace" | "home";

export interface Entry {
  name: string;
  path: string;
  kind: "file" | "folder" | "link" | "other";
  size: number;
  modified: string;
  target?: string | null;
  revision?: string | null;
}

export interface Listing {
  path: string;
  entries: readonly Entry[];
  next: string | null;
}

/** A file's bytes and which state of it they are. `bytes` is null when it is larger than was asked for. */
export interface Content {
  bytes: Blob | null;
  size: number;
  revision: string;
}

/** What a write expects to find: a certain state of the file, nothing at all, or whatever is there. */
export type Expected = { revision: string } | "nothing" | "anything";

export interface SearchQuery {
  text: string;
  kind: "content" | "name";
  regex?: boolean;
  case?: boolean;
  include?: string;
  limit?: number;
}

export interface Found {
  path: string;
  line: number | null;
  text: string;
  ranges: readonly (readonly [number, number])[];
}

export interface SearchResult {
  items: readonly Found[];
  truncated: boolean;
}

export type ChangeStatus = "added" | "modified" | "deleted" | "renamed" | "untracked" | "conflict";

export interface ChangedFile {
  path: string;
  old_path: string | null;
  status: ChangeStatus;
  added: number;
  removed: number;
  binary: boolean;
  large: boolean;
}

export interface Changes {
  against: string;
  base: { ref: string; commit: string } | null;
  files: readonly ChangedFile[];
  added: number;
  removed: number;
  truncated: boolean;
}

export interface Patch {
  path: string;
  old_path: string | null;
  status: ChangeStatus;
  /** A unified diff; "" when `large` and the whole was not asked for. */
  patch: string;
  binary: boolean;
  large: boolean;
  bytes: number;
}

export interface Refs {
  branches: readonly string[];
  tags: readonly string[];
  default: string | null;
}

export interface GitState {
  repository: boolean;
  branch: string | null;
  commit: string | null;
  dirty: boolean;
}

export interface CodeState {
  available: boolean;
  problem: string;
  hint: string;
  running: boolean;
}

/** A running session's files and changes. Every method rejects with a Problem. */
export interface WorkspacePort {
  list(session: string, root: Root, path: string, cursor?: string): Promise<Listing>;
  /** The content, unless it is larger than `most` bytes. */
  read(session: string, root: Root, path: string, most: number): Promise<Content>;
  /** Rejects with status 409 when the file is not what was expected. */
  write(session: string, root: Root, path: string, bytes: Blob, expected: Expected): Promise<Entry>;
  makeFolder(session: string, root: Root, path: string): Promise<void>;
  rename(session: string, root: Root, path: string, to: string): Promise<void>;
  remove(session: string, root: Root, path: string, recursive: boolean): Promise<void>;
  /** Where a browser can fetch the file from. */
  address(session: string, root: Root, path: string): string;
  search(session: string, root: Root, query: SearchQuery, signal?: AbortSignal): Promise<SearchResult>;
  changes(session: string, against: string): Promise<Changes>;
  patch(session: string, against: string, path: string, whole: boolean): Promise<Patch>;
  refs(session: string): Promise<Refs>;
  state(session: string): Promise<GitState>;
  code(session: string): Promise<CodeState>;
  codeAddress(session: string): string;
}
