import type { Session } from "./types";

/** The options of a session whose creator said nothing special. */
export const PLAIN: Session["options"] = {
  definition: "",
  transport: "",
  mode: "",
  thinking: "",
  fork_of: "",
  template: "",
  profile: "",
  preset: "",
  resources: {},
  credentials: [],
  integrations: [],
  mcp_servers: [],
  parent_chronicle: "",
  issue: "",
};
