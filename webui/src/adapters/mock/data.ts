import type { Activity, Agent, FolderListing, Session, System } from "../../api/types";
import { PLAIN } from "../../api/options";

const START = Date.now();
const ago = (minutes: number) => new Date(START - minutes * 60_000).toISOString();

let made = 0;

/** A session with everything that is not said set to something plausible. */
export function mockSession(change: Partial<Session> & { name: string }, activity: Partial<Activity> = {}): Session {
  const number = ++made;
  const id = `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
  return {
    id,
    agent: "claude",
    model: "",
    source: { type: "local", path: "/home/ada/src/harbor", branch: "main", mode: "worktree" },
    status: "running",
    step: "",
    error: "",
    hint: "",
    workspace: `/home/ada/.volundr/workspaces/${id.slice(0, 8)}`,
    branch: `volundr/${change.name}`,
    owner_id: "local",
    tenant_id: "default",
    revision: 1,
    created_at: ago(number * 47),
    updated_at: ago(number),
    last_active: ago(number),
    archived_at: null,
    options: PLAIN,
    ...change,
    activity: { state: "idle", what: "", since: ago(number * 3), messages: 12, model: "claude-sonnet-5", cost_usd: 0.42, ...activity },
  };
}

const local = (path: string) => ({ type: "local", path, branch: "main", mode: "worktree" }) as const;

export function mockSessions(): Session[] {
  return [
    mockSession({ name: "fix-login-redirect" }, { state: "waiting", what: "Run `npm test -- login`", since: ago(4), cost_usd: 0.87 }),
    mockSession({ name: "rate-limits", source: local("/home/ada/src/gateway") }, { state: "waiting", what: "Which store should hold the counters?", since: ago(31) }),
    mockSession({ name: "harbor-upgrade" }, { state: "working", what: "pytest tests/ -q", since: ago(2.2), cost_usd: 3.1 }),
    mockSession(
      { name: "parser-fuzzing", agent: "codex", source: { type: "git", url: "https://git.example.org/tools/parser.git", branch: "main" } },
      { state: "working", what: "Edit src/lexer.rs", since: ago(0.3), model: "gpt-6-codex", cost_usd: null },
    ),
    mockSession({ name: "docs-sweep", status: "provisioning", step: "waiting for the agent" }, { state: "starting", since: ago(0.1), messages: 0, cost_usd: null }),
    mockSession({ name: "flaky-clock-test" }),
    mockSession({ name: "try-it", agent: "demo", source: { type: "empty" }, branch: "" }, { model: "demo", cost_usd: 0 }),
    mockSession(
      {
        name: "billing-export",
        status: "failed",
        source: local("/home/ada/src/billing"),
        error: "claude: Invalid API key · Please run /login\n\nThe agent ended with code 1 before it was ready.",
        hint: "Run `claude` once in a terminal and log in, then press Retry.",
      },
      { state: "failed", messages: 0, cost_usd: null },
    ),
    mockSession({ name: "schema-notes", status: "stopped" }, { state: "stopped" }),
    mockSession({ name: "old-importer", status: "stopped", agent: "codex", source: local("/home/ada/src/importer") }, { state: "stopped", model: "" }),
    mockSession({ name: "spike-webgpu", status: "archived", archived_at: ago(9000) }, { state: "stopped" }),
  ];
}

const AGENTS: Agent[] = [
  { name: "claude", label: "Claude Code", available: true, version: "3.1.4", path: "/usr/local/bin/claude", problem: "", hint: "", transports: ["shim", "stdio", "per_message"] },
  { name: "demo", label: "Demo", available: true, version: "0.1.0", path: "", problem: "", hint: "", transports: ["shim"] },
  {
    name: "codex",
    label: "Codex",
    available: false,
    transports: ["shim", "per_message"],
    version: "",
    path: "",
    problem: "`codex` is not on the PATH.",
    hint: "Install it with `npm install -g @openai/codex`.",
  },
];

export function mockSystem(): System {
  return {
    version: "0.1.0",
    agents: AGENTS,
    home: "/home/ada/.volundr",
    database: "SQLite",
    pods: "process",
    tools: [
      { name: "git", version: "2.47.1", hint: "" },
      { name: "docker", version: "", hint: "docker is installed but not running. Not needed: sessions run as processes." },
    ],
  };
}

const TREE: Record<string, [string, boolean][]> = {
  "/home/ada": [["Documents", false], ["notes", true], ["src", false], [".config", false]],
  "/home/ada/src": [["billing", true], ["gateway", true], ["harbor", true], ["importer", true]],
  "/home/ada/src/harbor": [["docs", false], ["src", false], ["tests", false]],
};

export function mockFolders(path: string): FolderListing | undefined {
  const where = path || "/home/ada";
  const inside = TREE[where];
  if (!inside) return undefined;
  return {
    path: where,
    parent: where === "/home/ada" ? null : where.slice(0, where.lastIndexOf("/")),
    is_repo: where === "/home/ada/src/harbor",
    folders: inside.map(([name, is_repo]) => ({ name, path: `${where}/${name}`, is_repo, readable: name !== ".config" })),
    more: false,
  };
}

export const MOCK_LOGS = `01:12:03 INFO  session starts  agent=claude transport=shim
01:12:03 INFO  workspace ready  path=/home/ada/.volundr/workspaces/00000000
01:12:04 INFO  agent started  pid=48113
01:12:05 INFO  agent ready  model=claude-sonnet-5
01:12:44 INFO  turn started  turn=1
01:13:09 WARN  agent silent for 20 s
01:13:31 INFO  permission raised  tool=Bash
01:13:52 INFO  permission decided  decision=allow scope=session
01:15:20 INFO  turn finished  turn=1 status=ok`.split("\n");
