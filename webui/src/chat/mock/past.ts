import type { ChatRecord, Usage } from "../core/frames";

export type Told = ChatRecord extends infer R ? (R extends unknown ? Omit<R, "seq" | "at"> : never) : never;

const USAGE: readonly Usage[] = [
  { model: "forge-large", input: 2_410, output: 1_180, cache_read: 48_200, cache_write: 3_100, cost_usd: 0.0914 },
];
const UNPRICED: readonly Usage[] = [{ model: "house-model", input: 812, output: 240, cache_read: 0, cache_write: 0, cost_usd: null }];

/** What was said before this page was opened. */
export function past(): Told[] {
  return [
    { type: "agent_state", state: "ready", run: "r1", agent: "demo", model: "forge-large", mode: "default", thinking: "on", native: "n1", error: "", hint: "" },
    OFFERS,
    ...said("u1", 1, "The retry in `fetch_orders` hammers the server when it is down. Make it back off, with jitter, and cover it with tests."),
    thought("a1", "The person wants exponential back-off with jitter.\n\nFirst look at how the client is built and whether another place retries too, so that the two do not disagree."),
    text("a1", 1, "I look at the client and its callers first."),
    ...read("t1", "src/orders/client.py"),
    ...read("t2", "src/orders/retry.py"),
    ...read("t3", "src/orders/errors.py"),
    ...read("t4", "tests/test_client.py"),
    ...search(),
    text("a2", 0, FINDINGS),
    ...plan(),
    ...edit(),
    ...subAgent(),
    ...failedTest(),
    ...passedTest(),
    text("a3", 0, SUMMARY),
    { type: "turn_finished", turn: 1, status: "ok", error: "", hint: "", usage: USAGE, duration_ms: 83_000 },
    ...said("u2", 2, "Good. Push it."),
    ...pushed(),
    { type: "turn_finished", turn: 2, status: "failed", error: OVERLOADED, hint: "The model's service is overloaded. Wait a minute, then try again.", usage: UNPRICED, duration_ms: 4_200 },
    { type: "notice", level: "info", text: "The conversation was compacted to make room", detail: "" },
    ...said("u3", 3, "Then only document it: add a short section to the README, and show me the numbers."),
  ];
}

function said(id: string, turn: number, words: string): Told[] {
  return [
    { type: "user_message", id, text: words, by: "local" },
    { type: "turn_started", turn, messages: [id] },
    { type: "message_seen", id },
  ];
}

function text(id: string, block: number, words: string, parent: string | null = null): Told {
  return { type: "agent_message", id, block, kind: "text", text: words, parent };
}

function thought(id: string, words: string): Told {
  return { type: "agent_message", id, block: 0, kind: "thinking", text: words, parent: null };
}

function read(id: string, path: string, parent: string | null = null): Told[] {
  return [
    { type: "tool_started", id, name: "Read", title: `Read ${path}`, kind: "read", input: { file_path: path }, parent },
    { type: "tool_finished", id, ok: true, output: `1  """${path}"""\n2  import asyncio\n3  import random`, detail: null },
  ];
}

function search(parent: string | null = null, id = "t5"): Told[] {
  return [
    { type: "tool_started", id, name: "Grep", title: "Search for fetch_orders", kind: "search", input: { pattern: "fetch_orders\\(", path: "src" }, parent },
    { type: "tool_finished", id, ok: true, output: "src/orders/client.py:41:    async def fetch_orders(\nsrc/jobs/nightly.py:18:        orders = await client.fetch_orders(", detail: null },
  ];
}

function plan(): Told[] {
  const todos = [
    { content: "Back off with full jitter, capped at 30 s", status: "completed" },
    { content: "Honour Retry-After", status: "completed" },
    { content: "Tests with a clock in the hand", status: "in_progress" },
    { content: "Tell the nightly job", status: "pending" },
  ];
  return [
    { type: "tool_started", id: "t6", name: "TodoWrite", title: "Update the plan", kind: "think", input: { todos }, parent: null },
    { type: "tool_finished", id: "t6", ok: true, output: "", detail: null },
    { type: "plan_changed", tasks: [
      { text: "Back off with full jitter, capped at 30 s", state: "done" },
      { text: "Honour Retry-After", state: "done" },
      { text: "Tests with a clock in the hand", state: "working" },
      { text: "Tell the nightly job", state: "pending" },
    ] },
  ];
}

function edit(): Told[] {
  const input = {
    file_path: "src/orders/retry.py",
    old_string: "    for attempt in range(ATTEMPTS):\n        try:\n            return await call()\n        except Unavailable:\n            await asyncio.sleep(1)\n    raise GaveUp(ATTEMPTS)",
    new_string: "    for attempt in range(ATTEMPTS):\n        try:\n            return await call()\n        except Unavailable as error:\n            await clock.sleep(wait_for(attempt, error.retry_after, chance))\n    raise GaveUp(ATTEMPTS)",
  };
  const lines = [
    "     for attempt in range(ATTEMPTS):", "         try:", "             return await call()",
    "-        except Unavailable:", "-            await asyncio.sleep(1)",
    "+        except Unavailable as error:", "+            await clock.sleep(wait_for(attempt, error.retry_after, chance))",
    "     raise GaveUp(ATTEMPTS)", " ", "+", "+def wait_for(attempt: int, asked: float | None, chance: Random) -> float:",
    '+    """Full jitter: anything up to the ceiling, so that a thousand clients do not come back at once."""',
    "+    ceiling = min(LONGEST, FIRST * 2**attempt)", "+    return asked if asked is not None else chance.uniform(0, ceiling)",
  ];
  const structuredPatch = [{ oldStart: 22, oldLines: 7, newStart: 22, newLines: 12, lines }];
  return [
    { type: "tool_started", id: "t7", name: "Edit", title: "Edit src/orders/retry.py", kind: "edit", input, parent: null },
    { type: "tool_finished", id: "t7", ok: true, output: "The file was changed.", detail: { filePath: "src/orders/retry.py", structuredPatch } },
  ];
}

function subAgent(): Told[] {
  return [
    { type: "tool_started", id: "sub", name: "Task", title: "Find other places that retry", kind: "agent", input: { description: "Find other places that retry", prompt: "Look through `src` for loops that call a service again after a failure. List file, line and how long they wait." }, parent: null },
    ...search("sub", "t8"),
    ...read("t9", "src/jobs/nightly.py", "sub"),
    text("s1", 0, "One more: `src/jobs/nightly.py:18` waits **60 s flat**, three times.", "sub"),
    { type: "tool_finished", id: "sub", ok: true, output: "One more: `src/jobs/nightly.py:18` waits **60 s flat**, three times.", detail: null },
  ];
}

function failedTest(): Told[] {
  return [
    { type: "tool_started", id: "t10", name: "Bash", title: "Run the tests", kind: "execute", input: { command: "python -m pytest tests/orders -q" }, parent: null },
    { type: "tool_finished", id: "t10", ok: false, output: TEST_OUTPUT, detail: null },
  ];
}

function passedTest(): Told[] {
  return [
    { type: "permission_raised", id: "p0", tool: "Bash", title: "Run the tests", input: { command: "python -m pytest tests/orders -q" }, tool_id: "t11", reason: "", rules: [{ tool: "Bash", subject: "python -m pytest" }], scopes: ["once", "session", "always"], native: {}, parent: null },
    { type: "permission_decided", id: "p0", decision: "allow", scope: "session", message: "", input: null, by: "ada" },
    { type: "permission_delivered", id: "p0" },
    { type: "tool_started", id: "t11", name: "Bash", title: "Run the tests", kind: "execute", input: { command: "python -m pytest tests/orders -q" }, parent: null },
    { type: "tool_finished", id: "t11", ok: true, output: "..............                                                   [100%]\n14 passed in 0.31s", detail: null },
  ];
}

function pushed(): Told[] {
  return [
    { type: "tool_started", id: "t12", name: "Bash", title: "Push", kind: "execute", input: { command: "git push origin HEAD" }, parent: null },
    { type: "permission_raised", id: "p1", tool: "Bash", title: "Push this branch to origin", input: { command: "git push origin HEAD" }, tool_id: "t12", reason: "", rules: [{ tool: "Bash", subject: "git push origin HEAD" }], scopes: ["once"], native: {}, parent: null },
    { type: "permission_decided", id: "p1", decision: "deny", scope: "once", message: "Not to origin. Open a pull request from the fork.", input: null, by: "ada" },
    { type: "permission_delivered", id: "p1" },
    { type: "tool_finished", id: "t12", ok: false, output: "Permission denied: Not to origin. Open a pull request from the fork.", detail: null },
  ];
}

const choice = (id: string, label: string, description = "") => ({ id, label, description, resolved: "" });

const OFFERS: Told = {
  type: "agent_offers",
  models: [choice("forge-large", "Forge large", "Thinks longest, costs most"), choice("forge-small", "Forge small", "Quick, for small changes")],
  modes: [choice("default", "Ask", "Asks before it changes or runs anything"), choice("acceptEdits", "Accept edits", "Changes files without asking"), choice("plan", "Plan", "Reads and plans, changes nothing")],
  thinking: [choice("on", "Thinks"), choice("off", "Does not think")],
  commands: [
    { name: "review", description: "Look through the changes for mistakes", takes: "[branch]", kind: "command" },
    { name: "compact", description: "Make room by summing up the conversation", takes: "", kind: "command" },
    { name: "release-notes", description: "Write release notes from the log", takes: "<version>", kind: "skill" },
  ],
};

const OVERLOADED = 'API error 529: overloaded_error: Overloaded\n{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}';

const FINDINGS = `Two places retry, and they disagree:

| where | waits | attempts |
|---|---|--:|
| \`orders/retry.py\` | 1 s flat | 10 |
| \`jobs/nightly.py\` | 60 s flat | 3 |

I make **one** policy: full jitter, capped at 30 s, and \`Retry-After\` wins when the server sends it. See [the write-up on jitter](https://example.org/articles/backoff-and-jitter) for why *full* jitter.`;

const SUMMARY = `The client backs off now. In short:

1. \`wait_for\` is pure, so the tests need no sleeping.
2. \`Retry-After\` is honoured, in seconds only.

\`\`\`python
def wait_for(attempt: int, asked: float | None, chance: Random) -> float:
    """Full jitter: anything up to the ceiling."""
    ceiling = min(LONGEST, FIRST * 2**attempt)
    return asked if asked is not None else chance.uniform(0, ceiling)
\`\`\`

- [x] back-off with jitter
- [x] tests
- [ ] the nightly job still waits 60 s flat; tell me if I should change it too`;

const TEST_OUTPUT = `.............F                                                   [100%]
=================================== FAILURES ===================================
______________________ test_the_wait_grows_and_is_capped _______________________

    def test_the_wait_grows_and_is_capped() -> None:
>       assert waits(12) == sorted(waits(12))
E       AssertionError: assert [0.4, 1.7, 1.2] == [0.4, 1.2, 1.7]

tests/orders/test_retry.py:31: AssertionError
=========================== short test summary info ============================
FAILED tests/orders/test_retry.py::test_the_wait_grows_and_is_capped
1 failed, 13 passed in 0.42s`;
