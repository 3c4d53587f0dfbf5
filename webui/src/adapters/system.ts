import type { FolderListing, System } from "../api/types";
import type { SystemPort } from "../ports/system";
import { request } from "./http";

export const httpSystem: SystemPort = {
  system: () => request<System>("GET", "/api/v1/system"),
  folders: (path) => request<FolderListing>("GET", `/api/v1/system/folders?${new URLSearchParams({ path })}`),
};
