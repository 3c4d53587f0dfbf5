import type { Pending, PermissionsPort } from "../ports/permissions";
import { request } from "./http";

const PAGE = 100;
/** More than this nobody answers one by one; what is over comes up when the first ones are answered. */
const MOST_PAGES = 5;

/** Pending questions over HTTP; the answers go to the session's own broker. */
export const httpPermissions: PermissionsPort = {
  async pending() {
    const items: Pending[] = [];
    let cursor: string | null = "";
    for (let page = 0; cursor !== null && page < MOST_PAGES; page += 1) {
      const query = new URLSearchParams({ limit: String(PAGE), ...(cursor === "" ? {} : { cursor }) });
      const answer: { items: Pending[]; next: string | null } = await request("GET", `/api/v1/permissions?${query}`);
      items.push(...answer.items);
      cursor = answer.next;
    }
    return items;
  },
  decide: (session, id, verdict) => request<void>("POST", `/s/${encodeURIComponent(session)}/permissions/${encodeURIComponent(id)}`, verdict),
};
