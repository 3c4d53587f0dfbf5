import type { Activity, Frame } from "../core/frames";
import type { Told } from "./past";

/** One step of the play. */
export interface Beat {
  told?: Told;
  stream?: { id: string; block: number; kind: "text" | "thinking"; text: string };
  live?: Frame;
  activity?: Pick<Activity, "state" | "what">;
  wait?: number;
  /** Left out when this question was answered with no. */
  onlyIfAllowed?: string;
}

/** The turn that runs while one looks. */
export function presentTurn(): Beat[] {
  return [
    { activity: { state: "working", what: "thinking" } },
    ...streamed("b1", 0, "thinking", "The README has a section on configuration. The numbers come from the tests: print the waits of ten attempts."),
    ...streamed("b1", 1, "text", INTRO),
    ...call("v1", "Read", "read", "README.md", { file_path: "README.md" }, "# Orders\n\nA client for the order service.\n\n## Configuration\n"),
    { activity: { state: "waiting", what: "Add a section to README.md" }, wait: 10 },
    {
      told: {
        ...{ type: "permission_raised", id: "p2", tool: "Edit", title: "Add a section to README.md", tool_id: "v2", native: {}, parent: null },
        ...{ input: { file_path: "README.md", old_string: "## Configuration\n", new_string: `${SECTION}\n## Configuration\n` } },
        ...{ reason: "Files outside of src/ are changed only after you agreed.", rules: [{ tool: "Edit", subject: "README.md" }] },
        scopes: ["once", "session", "always"],
      },
    },
    { activity: { state: "working", what: "Edit README.md" }, wait: 10 },
    ...call("v2", "Edit", "edit", "README.md", { file_path: "README.md", old_string: "## Configuration\n", new_string: `${SECTION}\n## Configuration\n` }, "Changed.").map((beat) => ({ ...beat, onlyIfAllowed: "p2" })),
    ...streamed("b2", 0, "text", "Now the numbers, from the code itself."),
    { activity: { state: "waiting", what: "python -m orders.waits" }, wait: 10 },
    {
      told: {
        ...{ type: "permission_raised", id: "p3", tool: "Bash", title: "Print the waits of ten attempts", tool_id: "v3", native: {}, parent: "sub" },
        ...{ input: { command: "for n in 0 1 2 3 4 5; do\n  python -m orders.waits --attempt \"$n\" --seed 7 | tee -a waits.txt\ndone", description: "Prints one line an attempt and keeps them in waits.txt" } },
        ...{ reason: "", rules: [{ tool: "Bash", subject: "python -m orders.waits" }], scopes: ["once", "session", "always"] },
      },
    },
    { activity: { state: "working", what: "python -m orders.waits" }, wait: 10 },
    ...call("v3", "Bash", "execute", "Print the waits", { command: "python -m orders.waits --seed 7" }, "0  0.4 s\n1  1.2 s\n2  1.7 s\n3  6.1 s\n4  9.8 s\n5 14.2 s").map((beat) => ({ ...beat, onlyIfAllowed: "p3" })),
    ...streamed("b3", 0, "text", CLOSING),
    endOf(3),
  ];
}

/** What the mock says to whatever is said to it. */
export function answerTo(words: string, turn: number): Beat[] {
  if (/\bask\b/i.test(words)) return question(turn);
  if (/\bplan\b/i.test(words)) return planned(turn);
  if (/\blong\b/i.test(words)) return long(turn);
  const echo = words.split("\n").map((line) => `> ${line}`).join("\n");
  return [
    { activity: { state: "working", what: "thinking" }, wait: 600 },
    ...streamed(`e${turn}`, 0, "text", `You said:\n\n${echo}\n\nThis is the page's mock: it answers everybody like this, in *Markdown*, without a server.`),
    endOf(turn),
  ];
}

/** Say "plan" and it shows a plan to agree to. */
function planned(turn: number): Beat[] {
  const input = { plan: "## One policy for retries\n\n1. `wait_for` in `orders/retry.py`, pure\n2. the nightly job uses it\n3. tests with a clock in the hand\n\nNothing else changes." };
  return [
    { activity: { state: "waiting", what: "A plan to agree to" } },
    { told: { ...{ type: "permission_raised", id: `plan${turn}`, tool: "ExitPlanMode", title: "Ready to code?", input, tool_id: null }, reason: "", rules: [], scopes: ["once", "session"], native: {}, parent: null } },
    ...streamed(`e${turn}`, 0, "text", "So I begin."),
    endOf(turn),
  ];
}

/** Say "long" and a tool prints for a while, until somebody wonders. */
function long(turn: number): Beat[] {
  const id = `long${turn}`;
  const lines = Array.from({ length: 60 }, (_, at) => `tests/test_${at}.py ${".".repeat(20)} [${Math.round(((at + 1) / 60) * 100)}%]\n`);
  let offset = 0;
  const beats = lines.map((text): Beat => {
    const beat: Beat = { live: { type: "output", id, offset, text }, wait: 400 };
    offset += text.length;
    return beat;
  });
  const since = new Date(Date.now() - 380_000).toISOString();
  const evidence = ["process 4711 (pytest) used 38 s of processor time", "the last line it printed is 2 s old"];
  return [
    { activity: { state: "working", what: "pytest" } },
    { told: { type: "tool_started", id, name: "Bash", title: "Run all tests", kind: "execute", input: { command: "pytest -q" }, parent: null } },
    ...beats.slice(0, 10),
    { live: { type: "diagnosis", finding: "tool", text: "tool running 6 min: pytest", since, evidence, action: "interrupt" } },
    ...beats.slice(10),
    { told: { type: "tool_finished", id, ok: true, output: lines.join(""), detail: null } },
    endOf(turn),
  ];
}

/** Say "ask" to the mock and it asks back. */
function question(turn: number): Beat[] {
  const questions = [
    {
      question: "Where should the limits live?",
      multiSelect: false,
      options: [
        { label: "In the settings file", description: "One place for all jobs; needs a restart" },
        { label: "In the database", description: "Changed while it runs" },
      ],
    },
    {
      question: "Which jobs should have limits?",
      multiSelect: true,
      options: [{ label: "orders", description: "" }, { label: "nightly", description: "Runs at two" }, { label: "reports", description: "" }],
    },
  ];
  return [
    { activity: { state: "waiting", what: "Where should the limits live?" } },
    { told: { ...{ type: "permission_raised", id: `q${turn}`, tool: "AskUserQuestion", title: "A question", input: { questions }, tool_id: null }, reason: "", rules: [], scopes: ["once"], native: {}, parent: null } },
    ...streamed(`e${turn}`, 0, "text", "Thanks, so it is done."),
    endOf(turn),
  ];
}

function streamed(id: string, block: number, kind: "text" | "thinking", text: string): Beat[] {
  const pieces = text.match(/\s*\S+/g) ?? [];
  return [
    ...pieces.map((piece) => ({ stream: { id, block, kind, text: piece } })),
    { told: { type: "agent_message", id, block, kind, text, parent: null } as Told },
  ];
}

function call(id: string, name: string, kind: "read" | "edit" | "execute", title: string, input: Record<string, unknown>, output: string): Beat[] {
  return [
    { told: { type: "tool_started", id, name, title, kind, input, parent: null }, wait: 1_400 },
    { told: { type: "tool_finished", id, ok: true, output, detail: null } },
  ];
}

export function endOf(turn: number): Beat {
  const usage = [{ model: "forge-large", input: 930, output: 412, cache_read: 51_000, cache_write: 640, cost_usd: 0.0231 }];
  return { told: { type: "turn_finished", turn, status: "ok", error: "", hint: "", usage, duration_ms: 21_300 } };
}

const INTRO = "I add a section to the README and print the waits that the policy gives, so that the numbers in it are real ones.";

const SECTION = `## Retries

A call that fails because the service is unavailable is tried again up to
ten times. The wait before each attempt is random, up to a ceiling that
doubles from 1 s to 30 s (full jitter); a Retry-After of the server wins.
`;

const CLOSING = `Documented. With seed 7 the waits are:

| attempt | ceiling | wait |
|--:|--:|--:|
| 0 | 1 s | 0.4 s |
| 3 | 8 s | 6.1 s |
| 5 | 30 s | 14.2 s |

Nothing was pushed.`;
