import { httpIdentity } from "../adapters/identity";
import { httpPermissions } from "../adapters/permissions";
import { httpSessions } from "../adapters/sessions";
import { httpSystem } from "../adapters/system";
import { httpTerminals } from "../adapters/terminals";
import { httpWorkspace } from "../adapters/workspace";
import type { Ports } from "../ports";

/** The adapters of this build: the forge's HTTP, or in mode `mock` a forge inside the page. */
export async function choosePorts(): Promise<Ports> {
  if (import.meta.env.MODE === "mock") {
    const { mockForge } = await import("../adapters/mock/forge");
    const scene = new URLSearchParams(location.search).get("mock");
    return mockForge(scene === "empty" || scene === "lost" || scene === "denied" ? scene : "");
  }
  return { sessions: httpSessions, system: httpSystem, identity: httpIdentity, workspace: httpWorkspace, terminals: httpTerminals, permissions: httpPermissions };
}
