import type { Session, SessionPage } from "../api/types";
import type { SessionsPort } from "../ports/sessions";
import { request } from "./http";
import { watch } from "./stream";

const ROOT = "/api/v1/sessions";
const PAGE = 200;
/** Checking a source may have to ask a git server far away. */
const CREATE_MS = 120_000;

const at = (id: string, verb = "") => `${ROOT}/${encodeURIComponent(id)}${verb && `/${verb}`}`;

/** Sessions over HTTP, their changes over Server-Sent Events. */
export const httpSessions: SessionsPort = {
  list({ status, cursor } = {}) {
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (status) query.set("status", status);
    if (cursor) query.set("cursor", cursor);
    return request<SessionPage>("GET", `${ROOT}?${query}`);
  },
  create: (session) => request<Session>("POST", ROOT, session, CREATE_MS),
  fork: (id, name) => request<Session>("POST", at(id, "fork"), { name, start: true }, CREATE_MS),
  rename: (id, name) => request<Session>("PATCH", at(id), { name }),
  start: (id) => request<Session>("POST", at(id, "start")),
  stop: (id) => request<Session>("POST", at(id, "stop")),
  archive: (id) => request<Session>("POST", at(id, "archive")),
  restore: (id) => request<Session>("POST", at(id, "restore")),
  remove: (id) => request<void>("DELETE", at(id)),
  async logs(id, lines) {
    const answer = await request<{ lines: string[] }>("GET", `${at(id, "logs")}?lines=${lines}`);
    return answer.lines;
  },
  watch,
};
