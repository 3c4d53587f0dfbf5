/** The forge's own types by the names the UI uses. `schema.d.ts` is made from its API document: `npm run types`. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Session = Schemas["SessionOut"];
export type Status = Session["status"];
export type Activity = Session["activity"];
export type ActivityState = Activity["state"];
export type Source = Session["source"];
export type GitSource = Schemas["GitSource"];
export type LocalSource = Schemas["LocalSource"];
export type EmptySource = Schemas["EmptySource"];
export type NewSession = Omit<Schemas["NewSession"], "source"> & { source: Source };
export type SessionPage = Schemas["SessionPage"];
export type System = Schemas["SystemReport"];
export type Agent = Schemas["AgentDescription"];
export type Tool = Schemas["Tool"];
export type Folder = Schemas["Folder"];
export type FolderListing = Schemas["FolderListing"];
export type Me = Schemas["Me"];
