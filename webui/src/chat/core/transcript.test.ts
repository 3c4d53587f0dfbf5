import { describe, expect, it } from "vitest";
import type { ChatRecord, Frame } from "./frames";
import { isRecord, parseFrames } from "./frames";
import { seeded } from "./testing/clock";
import { ScriptedSkuld } from "./testing/skuld";
import { story } from "./testing/story";
import { Transcript } from "./transcript";
import type { BlockEntry, Entry, ToolEntry } from "./view";

function told(): ChatRecord[] {
  const skuld = new ScriptedSkuld();
  for (const step of story()) step(skuld);
  return skuld.log;
}

function played(records: readonly ChatRecord[]): Transcript {
  const transcript = new Transcript();
  for (const record of records) transcript.record(record);
  return transcript;
}

const find = (entries: readonly Entry[], key: string): Entry | undefined => entries.find((entry) => entry.key === key);

const delta = (offset: number, text: string, id = "a"): Extract<Frame, { type: "delta" }> => ({
  type: "delta",
  id,
  block: 0,
  kind: "text",
  offset,
  text,
  parent: null,
});

describe("a transcript", () => {
  it("nests what a sub-agent did under the call that started it", () => {
    const { entries } = played(told()).view();
    const sub = find(entries, "tool:sub") as ToolEntry;
    expect(sub.children.map((child) => child.key)).toEqual(["tool:t3", "block:a2:0"]);
    expect((sub.children[0] as ToolEntry).state).toBe("ok");
  });

  it("puts a message where the agent took it up, and keeps it pending before", () => {
    const records = told();
    const queued = records.findIndex((record) => record.type === "user_message" && record.id === "u2");
    const before = played(records.slice(0, queued + 1)).view();
    expect(before.pending.map(({ id, state }) => [id, state])).toEqual([["u2", "queued"]]);
    const after = played(records).view();
    const keys = after.entries.map((entry) => entry.key);
    expect(keys.indexOf("message:u2")).toBeGreaterThan(keys.findIndex((key) => key.startsWith("turn:1")));
    expect(after.pending.map(({ id, state }) => [id, state])).toEqual([["u3", "stored"]]);
  });

  it("changes nothing when a record comes twice", () => {
    const records = told();
    const transcript = played(records);
    const view = transcript.view();
    for (const record of records) expect(transcript.record(record)).toBe(true);
    expect(transcript.view()).toEqual(view);
  });

  it("refuses a record with a hole before it", () => {
    const records = told();
    const transcript = played(records.slice(0, 3));
    expect(transcript.record(records[4] as ChatRecord)).toBe(false);
    expect(transcript.lastSeq).toBe(3);
  });

  it("marks calls that never got a result when their turn ends", () => {
    expect((find(played(told()).view().entries, "tool:t9") as ToolEntry).state).toBe("cut");
  });

  it("shows open questions until somebody decides or the agent takes them back", () => {
    const records = told();
    const raised = records.findIndex((record) => record.type === "permission_raised");
    const open = played(records.slice(0, raised + 1)).view().open;
    expect(open.map(({ id, asker, state }) => [id, asker, state])).toEqual([["p1", "Look around", "open"]]);
    const { entries, open: none } = played(records).view();
    expect(none).toEqual([]);
    expect(find(entries, "permission:p1")).toMatchObject({ state: "delivered", decision: "allow", by: "ada" });
    expect(find(entries, "permission:p2")).toMatchObject({ state: "closed", closed: "interrupted" });
  });

  it("remembers the words of a turn, so that a failed one can be tried again", () => {
    const turn = played(told()).view().entries.find((entry) => entry.type === "turn");
    expect(turn).toMatchObject({ asked: "Fix the bug 🐛" });
  });

  it("is the same whether history comes at once or in pages from the end", () => {
    const records = told();
    const whole = played(records).view();
    for (const start of [1, 5, 12, 20, records.length - 1]) {
      const paged = played(records.slice(start));
      for (let end = start; end > 0; end = Math.max(0, end - 3)) {
        paged.view();
        paged.prepend(records.slice(Math.max(0, end - 3), end));
      }
      expect(paged.view()).toEqual(whole);
    }
  });

  it("makes new objects only for what changed", () => {
    const records = told();
    const transcript = played(records.slice(0, -1));
    const before = transcript.view();
    transcript.record(records.at(-1) as ChatRecord);
    const after = transcript.view();
    before.entries.forEach((entry, at) => expect(after.entries[at]).toBe(entry));
  });

  it("forgets everything on resync", () => {
    const transcript = played(told());
    transcript.clear();
    expect(transcript.view()).toMatchObject({ entries: [], pending: [], open: [], turn: null, lastSeq: 0 });
  });
});

describe("deltas", () => {
  const text = (transcript: Transcript): string => (transcript.view().entries.at(-1) as BlockEntry).text;

  it("count characters, not UTF-16 units, and skip what is known", () => {
    const transcript = new Transcript();
    transcript.delta(delta(0, "🔥🔥 a"));
    transcript.delta(delta(3, "a b"));
    transcript.delta(delta(3, "a b"));
    expect(text(transcript)).toBe("🔥🔥 a b");
  });

  it("start again at offset 0", () => {
    const transcript = new Transcript();
    transcript.delta(delta(0, "wrong"));
    transcript.delta(delta(0, "right from the start"));
    expect(text(transcript)).toBe("right from the start");
  });

  it("with a hole before them wait for the whole block", () => {
    const transcript = new Transcript();
    transcript.delta(delta(0, "one "));
    transcript.delta(delta(9, "three"));
    expect(text(transcript)).toBe("one ");
    transcript.delta(delta(3, "in the middle", "never-begun"));
    expect(transcript.view().entries).toHaveLength(1);
  });

  it("that come after their whole block are nothing new", () => {
    const transcript = new Transcript();
    const whole = { type: "agent_message", id: "a", block: 0, kind: "text", text: "all of it", parent: null } as const;
    transcript.delta(delta(0, "all"));
    transcript.record({ ...whole, seq: 1, at: "" });
    transcript.delta(delta(0, "all of"));
    transcript.delta(delta(3, " of"));
    expect(transcript.view().entries).toMatchObject([{ text: "all of it", streaming: false }]);
  });

  it("never change what the records say, in whatever order they mix", () => {
    const records = told();
    const whole = played(records).view();
    const chance = seeded(7);
    for (let round = 0; round < 200; round += 1) {
      const transcript = new Transcript();
      for (const record of records) {
        if (chance() < 0.5) transcript.delta(delta(chance() < 0.5 ? 0 : 3, "noise", ["a1", "a2", "a3"][round % 3]));
        transcript.record(record);
        if (chance() < 0.3) transcript.view();
      }
      expect(transcript.view()).toEqual(whole);
    }
  });
});

describe("a WebSocket message", () => {
  it("may hold many frames, one a line, and a broken line harms no other", () => {
    const frames = parseFrames('{"type":"keep_alive"}\nrubbish\n\n{"type":"caught_up","seq":3}\n');
    expect(frames.map((frame) => frame.type)).toEqual(["keep_alive", "caught_up"]);
    expect(frames.some(isRecord)).toBe(false);
  });
});
