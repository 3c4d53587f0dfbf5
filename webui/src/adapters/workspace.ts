import { Problem } from "../api/problem";
import type { Changes, CodeState, Entry, Expected, GitState, Listing, Patch, Refs, Root, SearchResult, WorkspacePort } from "../ports/workspace";
import { request } from "./http";
import { problemOf } from "./problem";

/** A file's bytes may be many: what counts is that something happens, not how long it takes in all. */
const CONTENT_MS = 300_000;
const SEARCH_MS = 60_000;

const at = (session: string, path: string, query: Record<string, string | number | boolean | undefined> = {}) => {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  const text = new URLSearchParams(given).toString();
  return `/s/${encodeURIComponent(session)}/${path}${text && `?${text}`}`;
};

/** A session's files over the forge's gateway. */
export const httpWorkspace: WorkspacePort = {
  list: (session, root, path, cursor) => request<Listing>("GET", at(session, "files", { root, path, cursor })),
  read,
  write,
  makeFolder: (session, root, path) => request<void>("POST", at(session, "files/folder"), { root, path }),
  rename: (session, root, path, to) => request<void>("POST", at(session, "files/rename"), { root, path, to }),
  remove: (session, root, path, recursive) => request<void>("DELETE", at(session, "files", { root, path, recursive })),
  address: (session, root, path) => at(session, "files/content", { root, path }),
  search(session, root, query, signal) {
    const { text: q, kind, regex, case: exact, include, limit } = query;
    return send(at(session, "search", { root, q, kind, regex, case: exact, include: include || undefined, limit }), SEARCH_MS, signal).then(
      (response) => response.json() as Promise<SearchResult>,
    );
  },
  changes: (session, against) => request<Changes>("GET", at(session, "changes", { against })),
  patch: (session, against, path, whole) => request<Patch>("GET", at(session, "changes/file", { against, path, whole: whole || undefined })),
  refs: (session) => request<Refs>("GET", at(session, "git/refs")),
  state: (session) => request<GitState>("GET", at(session, "git/state")),
  code: (session) => request<CodeState>("GET", at(session, "code")),
  codeAddress: (session) => at(session, "code/"),
};

async function read(session: string, root: Root, path: string, most: number) {
  const response = await send(at(session, "files/content", { root, path }), CONTENT_MS);
  const revision = (response.headers.get("etag") ?? "").replace(/^(W\/)?"(.*)"$/, "$2");
  const size = Number(response.headers.get("content-length") ?? 0);
  if (size > most) {
    await response.body?.cancel();
    return { bytes: null, size, revision };
  }
  const bytes = await response.blob();
  return { bytes, size: bytes.size, revision };
}

async function write(session: string, root: Root, path: string, bytes: Blob, expected: Expected): Promise<Entry> {
  const headers: Record<string, string> = { "content-type": "application/octet-stream" };
  if (expected === "nothing") headers["if-none-match"] = "*";
  else if (expected !== "anything") headers["if-match"] = `"${expected.revision}"`;
  const response = await send(at(session, "files/content", { root, path }), CONTENT_MS, undefined, { method: "PUT", headers, body: bytes });
  return (await response.json()) as Entry;
}

async function send(path: string, limit: number, signal?: AbortSignal, more: RequestInit = {}): Promise<Response> {
  const guards = [AbortSignal.timeout(limit), ...(signal ? [signal] : [])];
  let response: Response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...more, signal: AbortSignal.any(guards) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, "No connection", "The forge cannot be reached.", "Is it running? `volundr status` tells, `volundr up` starts it.");
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}
