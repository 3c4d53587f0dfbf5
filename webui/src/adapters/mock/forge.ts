import { Problem } from "../../api/problem";
import type { NewSession, Session } from "../../api/types";
import type { Ports } from "../../ports";
import type { SessionEvents } from "../../ports/sessions";
import { MOCK_LOGS, mockFolders, mockSession, mockSessions, mockSystem } from "./data";
import { mockPermissions } from "./permissions";
import { mockTerminals } from "./terminals";
import { mockWorkspace } from "./workspace";
import { PLAIN } from "../../api/options";

export type Scene = "" | "empty" | "lost" | "denied";

const STEP_MS = 1100;
const STEPS = ["preparing: core", "preparing: workspace", "starting the pod", "waiting for the agent"] as const;

/** A forge in this page: the whole UI without a server. `?mock=empty|lost|denied` picks another scene. */
export function mockForge(scene: Scene): Ports {
  const forge = new MockForge(scene);
  return {
    sessions: {
      list: async () => ({ items: [...forge.sessions.values()], next: null }),
      create: async (session) => forge.create(session),
      fork: async (id, name) => forge.fork(id, name),
      rename: async (id, name) => forge.change(id, { name }),
      start: async (id) => forge.start(id),
      stop: async (id) => forge.change(id, { status: "stopped" }, "stopped"),
      archive: async (id) => forge.change(id, { status: "archived", archived_at: new Date().toISOString() }, "stopped"),
      restore: async (id) => forge.change(id, { status: "stopped", archived_at: null }, "stopped"),
      remove: async (id) => forge.remove(id),
      logs: async () => MOCK_LOGS,
      watch: (events) => forge.watch(events),
    },
    system: {
      system: async () => mockSystem(),
      async folders(path) {
        const found = mockFolders(path);
        if (!found) throw new Problem(422, "Invalid", `There is no folder ${path}.`, "Check how it is written.");
        return found;
      },
    },
    identity: {
      async me() {
        if (forge.denied) throw new Problem(401, "Unauthorized", "You are not signed in.");
        return { user_id: "local", tenant_id: "default", name: "ada", roles: [], announcement: "" };
      },
      async login(code) {
        if (code === "used") throw new Problem(403, "Forbidden", "This login link was used already or is too old.", "Run `volundr open` for a new one.");
        forge.denied = false;
      },
      async logout() {
        forge.denied = true;
      },
    },
    workspace: mockWorkspace(),
    terminals: mockTerminals,
    permissions: mockPermissions([...forge.sessions.values()]),
  };
}

class MockForge {
  readonly sessions: Map<string, Session>;
  denied: boolean;
  private events: SessionEvents | undefined;

  constructor(private readonly scene: Scene) {
    this.denied = scene === "denied";
    this.sessions = new Map(scene === "empty" ? [] : mockSessions().map((session) => [session.id, session]));
  }

  watch(events: SessionEvents) {
    this.events = events;
    events.link({ state: "live" });
    events.resync();
    if (this.scene === "lost") window.setTimeout(() => this.lose(), 300);
    return { retry: () => this.scene === "lost" && events.link({ state: "live" }), close: () => undefined };
  }

  create(session: NewSession): Session {
    if ([...this.sessions.values()].some((other) => other.name === session.name)) {
      throw new Problem(409, "Conflict", `There is a session named '${session.name}' already.`, "Take another name.");
    }
    if (session.source.type === "git" && !session.source.url.includes("://")) {
      throw new Problem(422, "Invalid", `'${session.source.url}' is not a git URL.`, "It looks like https://host/owner/repo.git.", {
        "source.git.url": `'${session.source.url}' is not a git URL.`,
      });
    }
    const { options, ...rest } = session;
    const { system_prompt: _system, initial_prompt: _initial, env: _env, ...shown } = { system_prompt: "", initial_prompt: "", env: {}, ...options };
    const ways = { ...PLAIN, ...shown };
    const made = mockSession({ ...rest, options: ways, status: "created", created_at: new Date().toISOString() }, { state: "starting", messages: 0, cost_usd: null, since: new Date().toISOString() });
    this.sessions.set(made.id, made);
    return session.start ? this.start(made.id) : made;
  }

  fork(id: string, name: string): Session {
    const { agent, model, workspace } = this.sessions.get(id) as Session;
    return this.create({ name, agent, model, source: { type: "local", path: workspace, branch: "", mode: "in_place" }, start: true });
  }

  start(id: string): Session {
    STEPS.forEach((step, index) => window.setTimeout(() => this.change(id, { step, status: index > 2 ? "provisioning" : "starting" }), STEP_MS * index));
    window.setTimeout(() => this.change(id, { status: "running", step: "" }, "idle"), STEP_MS * (STEPS.length + 1));
    return this.change(id, { status: "starting", step: "starting", error: "", hint: "" }, "starting");
  }

  change(id: string, change: Partial<Session>, activity?: Session["activity"]["state"]): Session {
    const old = this.sessions.get(id);
    if (!old) throw new Problem(404, "Not Found", "There is no such session.");
    const now = new Date().toISOString();
    const session = { ...old, ...change, revision: old.revision + 1, updated_at: now };
    if (activity) session.activity = { ...old.activity, state: activity, since: now, what: "" };
    this.sessions.set(id, session);
    this.events?.session(session);
    return session;
  }

  remove(id: string): void {
    this.sessions.delete(id);
    this.events?.deleted(id);
  }

  private lose(): void {
    this.events?.link({ state: "lost", why: "The forge cannot be reached.", retryAt: Date.now() + 9000 });
  }
}
