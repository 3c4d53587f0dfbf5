import { Problem } from "../../api/problem";
import type { Session } from "../../api/types";
import type { Pending, PermissionsPort } from "../../ports/permissions";

/** Questions of the mock's sessions; an answered one is gone. */
export function mockPermissions(sessions: readonly Session[]): PermissionsPort {
  let open = mockPending(sessions);
  return {
    pending: async () => open,
    async decide(session, id) {
      await new Promise((resolve) => window.setTimeout(resolve, 300));
      if (id === "late") throw new Problem(409, "Conflict", "This was already decided by bob.");
      open = open.filter((one) => one.session_id !== session || one.id !== id);
    },
  };
}

function mockPending(sessions: readonly Session[]): Pending[] {
  if (sessions.length === 0) return [];
  const ask = (at: number, id: string, minutes: number, part: Partial<Pending>): Pending => ({
    session_id: sessions[at % sessions.length]?.id ?? "",
    session_name: sessions[at % sessions.length]?.name ?? "",
    ...{ id, tool: "Bash", title: "", reason: "", input: {}, scopes: ["once", "session", "always"], rules: [] },
    raised_at: new Date(Date.now() - minutes * 60_000).toISOString(),
    ...part,
  });
  return [
    ask(0, "p1", 14, { title: "Run the tests", input: { command: "python -m pytest tests/orders -q" }, rules: [{ tool: "Bash", subject: "python -m pytest" }] }),
    ask(1, "p2", 6, { tool: "Edit", title: "Edit src/retry.py", input: { file_path: "src/retry.py", old_string: "sleep(1)\n", new_string: "sleep(wait_for(attempt))\n" }, rules: [{ tool: "Edit", subject: "src/retry.py" }] }),
    ask(2, "late", 3, { title: "Push this branch to origin", input: { command: "git push origin HEAD" }, reason: "It leaves this machine.", scopes: ["once"] }),
    ask(0, "q1", 1, { tool: "AskUserQuestion", title: "Where should the limits live?", input: { questions: [{ question: "Where should the limits live?", options: [{ label: "In the settings" }, { label: "In the database" }] }] }, scopes: ["once"] }),
  ];
}
