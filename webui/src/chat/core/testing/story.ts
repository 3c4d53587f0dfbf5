import type { ScriptedSkuld } from "./skuld";

type Step = (skuld: ScriptedSkuld) => void;

/** A session with everything in it: two turns, streamed blocks, a sub-agent, permissions, a queued message, an interrupt. */
export function story(): Step[] {
  const steps: Step[] = [
    (s) => s.record({ type: "agent_state", state: "ready", run: "r1", agent: "demo", model: "m", mode: "", native: "", error: "", hint: "" }),
    (s) => s.record({ type: "user_message", id: "u1", text: "Fix the bug 🐛", by: "ada" }),
    (s) => s.record({ type: "turn_started", turn: 1, messages: ["u1"] }),
    (s) => s.record({ type: "message_seen", id: "u1" }),
    ...streamed("a1", 0, "I look at the files first. 🔥 Then I fix it, ünd so weiter."),
    ...tool("t1", "Read", "src/a.ts", null),
    ...tool("t2", "Read", "src/b.ts", null),
    (s) => s.record({ type: "tool_started", id: "sub", name: "Task", title: "Look around", kind: "agent", input: {}, parent: null }),
    ...tool("t3", "Grep", "TODO", "sub"),
    ...streamed("a2", 0, "Found three places.", "sub"),
    (s) => raise(s, "p1", "sub"),
    (s) => s.record({ type: "user_message", id: "u2", text: "And then commit", by: "ada" }),
    (s) => s.record({ type: "permission_decided", id: "p1", decision: "allow", scope: "once", message: "", input: null, by: "ada" }),
    (s) => s.record({ type: "permission_delivered", id: "p1" }),
    (s) => s.record({ type: "tool_finished", id: "sub", ok: true, output: "done", detail: null }),
    ...streamed("a3", 0, "Fixed.\n\n- one\n- two"),
    (s) => s.record({ type: "turn_finished", turn: 1, status: "ok", error: "", hint: "", usage: [], duration_ms: 1200 }),
    (s) => s.record({ type: "turn_started", turn: 2, messages: ["u2"] }),
    (s) => s.record({ type: "message_seen", id: "u2" }),
    (s) => s.record({ type: "tool_started", id: "t9", name: "Bash", title: "git commit", kind: "execute", input: {}, parent: null }),
    (s) => raise(s, "p2", null),
    (s) => s.record({ type: "interrupt_requested", turn: 2, by: "ada" }),
    (s) => s.record({ type: "permission_closed", id: "p2", reason: "interrupted" }),
    (s) => s.delta("a4", 0, "half a sen"),
    (s) => s.record({ type: "turn_finished", turn: 2, status: "interrupted", error: "", hint: "", usage: [], duration_ms: 10 }),
    (s) => s.record({ type: "notice", level: "info", text: "The context was compacted.", detail: "" }),
    (s) => s.record({ type: "user_message", id: "u3", text: "Still there?", by: "bob" }),
  ];
  return steps;
}

function streamed(id: string, block: number, text: string, parent: string | null = null): Step[] {
  const points = [...text];
  const steps: Step[] = [];
  for (let at = 0; at < points.length; at += 4) {
    const piece = points.slice(at, at + 4).join("");
    steps.push((s) => s.delta(id, block, piece, parent));
  }
  return [...steps, (s) => s.record({ type: "agent_message", id, block, kind: "text", text, parent })];
}

function tool(id: string, name: string, title: string, parent: string | null): Step[] {
  return [
    (s) => s.record({ type: "tool_started", id, name, title, kind: "read", input: { path: title }, parent }),
    (s) => s.record({ type: "tool_finished", id, ok: true, output: `${title}: 3 lines`, detail: null }),
  ];
}

function raise(skuld: ScriptedSkuld, id: string, parent: string | null): void {
  skuld.record({
    ...{ type: "permission_raised", id, tool: "Bash", title: "Run make", input: { command: "make" }, tool_id: null },
    ...{ reason: "", rules: [{ tool: "Bash", subject: "make" }], scopes: ["once", "session", "always"], native: {}, parent },
  });
}
