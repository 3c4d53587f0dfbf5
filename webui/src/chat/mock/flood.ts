import type { ChatRecord, Delta } from "../core/frames";
import type { Told } from "./past";

/** How many records of made-up past `?past=10000` asks for. */
export function wantedPast(): number {
  return Number(new URLSearchParams(window.location.search).get("past") ?? 0);
}

/** A long past, to see how the page bears it. */
export function longPast(records: number): Told[] {
  const all: Told[] = [];
  for (let turn = 1; all.length < records; turn += 1) all.push(...oneTurn(turn));
  return all;
}

function oneTurn(turn: number): Told[] {
  const id = `m${turn}`;
  const read = (name: string): Told[] => [
    { type: "tool_started", id: `${id}${name}`, name: "Read", title: `Read src/${name}.py`, kind: "read", input: { file_path: `src/${name}.py` }, parent: null },
    { type: "tool_finished", id: `${id}${name}`, ok: true, output: `1 import ${name}\n2 # ${"word ".repeat(30)}`, detail: null },
  ];
  return [
    { type: "user_message", id, text: `Step ${turn}: look at the *next* module and say what it does.`, by: "local" },
    { type: "turn_started", turn, messages: [id] },
    { type: "message_seen", id },
    { type: "agent_message", id, block: 0, kind: "text", text: `I look at module **${turn}** first, then at its tests.`, parent: null },
    ...read("alpha"),
    ...read("beta"),
    { type: "agent_message", id, block: 1, kind: "text", text: paragraph(turn), parent: null },
    { type: "turn_finished", turn, status: "ok", error: "", hint: "", usage: [], duration_ms: 4_000 },
  ];
}

function paragraph(turn: number): string {
  return `It does three things:\n\n- reads \`orders/${turn}.csv\`\n- sums them up, ${"carefully, ".repeat(6)}once a day\n- writes a report\n\n\`\`\`python\ndef total(rows: list[Row]) -> int:\n    return sum(row.amount for row in rows)  # ${turn}\n\`\`\``;
}

const PIECES = 4_000;

/** A turn of 4,000 deltas, as fast as a quick model: to be told in batches. */
export function flood(id: string): Delta[] {
  const text = Array.from({ length: 60 }, (_, at) => paragraph(at)).join("\n\n");
  const size = Math.ceil(text.length / PIECES);
  return Array.from({ length: PIECES }, (_, at) => ({
    ...{ type: "delta" as const, id, block: 0, kind: "text" as const, parent: null },
    ...{ offset: at * size, text: text.slice(at * size, (at + 1) * size) },
  })).filter((delta) => delta.text !== "");
}

export function whole(deltas: readonly Delta[]): Pick<Extract<ChatRecord, { type: "agent_message" }>, "id" | "text"> {
  return { id: deltas[0]?.id ?? "", text: deltas.map((delta) => delta.text).join("") };
}
