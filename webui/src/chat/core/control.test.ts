import { describe, expect, it } from "vitest";
import { chosen, confirmed } from "./control";
import type { AgentState, Choice } from "./frames";
import { memory, Rig } from "./testing/rig";
import { CAPABILITIES, ScriptedSkuld } from "./testing/skuld";
import { NO_OFFERS } from "./view";

function working(): ScriptedSkuld {
  const skuld = new ScriptedSkuld();
  skuld.capabilities = { ...CAPABILITIES, steer: true, model: true, mode: true, edited_input: true };
  skuld.record({ type: "user_message", id: "u", text: "Go", by: "ada" });
  skuld.record({ type: "turn_started", turn: 1, messages: ["u"] });
  return skuld;
}

const texts = (rig: Rig): string[] => rig.state.view.pending.map(({ text }) => text);
const ids = (rig: Rig): string[] => rig.state.view.pending.map(({ id }) => id);

describe("a waiting message", () => {
  it("can be changed, and reads so for everybody", async () => {
    const rig = await new Rig(working()).live();
    rig.engine.send("frist");
    await rig.clock.pass(50);
    rig.engine.edit("m1", "first");
    expect(rig.state.changing["m1"]).toMatchObject({ kind: "edit", error: "" });
    await rig.clock.pass(50);
    expect(rig.state.view.pending).toMatchObject([{ text: "first", edited: true, state: "queued" }]);
    expect(rig.state.changing).toEqual({});
  });

  it("can be taken back, and then is nowhere", async () => {
    const rig = await new Rig(working()).live();
    rig.engine.send("never mind");
    await rig.clock.pass(50);
    rig.engine.remove("m1");
    await rig.clock.pass(50);
    expect(texts(rig)).toEqual([]);
    expect(rig.state.outbox).toEqual([]);
  });

  it("says why it could not be changed any more", async () => {
    const skuld = working();
    const rig = await new Rig(skuld).live();
    rig.engine.send("late");
    await rig.clock.pass(50);
    rig.engine.edit("m1", "too late");
    skuld.record({ type: "turn_finished", turn: 1, status: "ok", error: "", hint: "", usage: [], duration_ms: 1 });
    skuld.record({ type: "turn_started", turn: 2, messages: ["m1"] });
    rig.engine.edit("m1", "too late");
    skuld.all({ type: "rejected", id: "m1", error: "The agent has this message already." });
    await rig.clock.pass(50);
    expect(rig.state.view.entries.some((entry) => entry.type === "message" && entry.id === "m1")).toBe(true);
    expect(rig.state.changing).toEqual({});
  });

  it("is changed after a reconnect when the change was lost with the socket", async () => {
    const skuld = working();
    const rig = await new Rig(skuld).live();
    rig.engine.send("one");
    await rig.clock.pass(50);
    skuld.cut();
    await rig.clock.pass(1);
    rig.engine.edit("m1", "two");
    await rig.clock.pass(3_000);
    expect(texts(rig)).toEqual(["two"]);
  });

  it("goes into the running turn when it is steered: taken back first, then said once", async () => {
    const skuld = working();
    const rig = await new Rig(skuld).live();
    rig.engine.send("stop that");
    await rig.clock.pass(50);
    rig.engine.steer("m1");
    await rig.clock.pass(50);
    const said = skuld.log.filter((record) => record.type === "user_message").map((record) => record.text);
    expect(said).toEqual(["Go", "stop that", "stop that"]);
    expect(skuld.log.filter((record) => record.type === "message_removed")).toMatchObject([{ id: "m1" }]);
    expect(rig.state.view.entries).toContainEqual(expect.objectContaining({ id: "m2", way: "steered", state: "given" }));
    expect(rig.state.outbox).toEqual([]);
  });

  it("is not said twice when it could not be taken back", async () => {
    const skuld = working();
    const rig = await new Rig(skuld).live();
    rig.engine.send("now");
    await rig.clock.pass(50);
    skuld.record({ type: "turn_finished", turn: 1, status: "ok", error: "", hint: "", usage: [], duration_ms: 1 });
    skuld.record({ type: "turn_started", turn: 2, messages: ["m1"] });
    rig.engine.steer("m1");
    await rig.clock.pass(50);
    expect(skuld.log.filter((record) => record.type === "user_message" && record.text === "now")).toHaveLength(1);
    expect(rig.state.outbox).toEqual([]);
  });

  it("is not lost when the page is left between taking back and saying", async () => {
    const skuld = working();
    const keep = memory();
    const rig = await new Rig(skuld, { keep }).live();
    rig.engine.send("keep me");
    await rig.clock.pass(50);
    skuld.freeze();
    rig.engine.steer("m1");
    rig.engine.stop();
    const next = await new Rig(skuld, { keep, ids: "n" }).live();
    expect(next.state.outbox).toMatchObject([{ text: "keep me", state: "rejected" }]);
  });
});

describe("steering", () => {
  it("is told with the message", async () => {
    const skuld = working();
    const rig = await new Rig(skuld).live();
    rig.engine.send("left", { steer: true });
    await rig.clock.pass(50);
    expect(skuld.heard.at(-1)).toMatchObject({ type: "send", steer: true, attachments: [] });
    expect(ids(rig)).toEqual([]);
  });

  it("waits again, before all others, when the agent could not take it", async () => {
    const skuld = working();
    const rig = await new Rig(skuld).live();
    rig.engine.send("steered", { steer: true });
    rig.engine.send("queued");
    await rig.clock.pass(50);
    skuld.record({ type: "message_returned", id: "m1" });
    await rig.clock.pass(50);
    expect(rig.state.view.pending).toMatchObject([{ id: "m1", way: "returned", state: "queued" }, { id: "m2", way: "" }]);
    expect(rig.state.view.entries.some((entry) => entry.key === "message:m1")).toBe(false);
  });
});

describe("a choice", () => {
  const state = (part: Partial<AgentState>): AgentState => ({
    ...{ type: "agent_state", seq: 9, at: "", state: "ready", run: "r1", agent: "demo", model: "", mode: "", native: "", error: "", hint: "" },
    ...part,
  });
  const before = { state: "ready", run: "r1", agent: "demo", model: "large", mode: "ask", thinking: "" } as const;
  const choice = (id: string, resolved = ""): Choice => ({ id, label: id, description: "", resolved });

  it("is open until the agent says that it is so", async () => {
    const skuld = working();
    skuld.record({ ...state({ model: "large", mode: "ask" }) });
    skuld.record({ type: "agent_offers", models: [choice("large"), choice("small")], modes: [], thinking: [], commands: [] });
    const rig = await new Rig(skuld).live();
    rig.engine.choose({ model: "small" });
    await rig.clock.pass(50);
    expect(rig.state.view.choosing).toEqual({ model: "small" });
    expect(rig.state.view.agent?.model).toBe("large");
    skuld.record({ ...state({ model: "small" }) });
    await rig.clock.pass(50);
    expect(rig.state.view.choosing).toEqual({});
    expect(rig.state.view.agent?.model).toBe("small");
    expect(rig.state.view.offers.models.map(({ id }) => id)).toEqual(["large", "small"]);
  });

  it("can be made though what is offered was said long before what is loaded", async () => {
    const skuld = working();
    const offers = { models: [choice("large"), choice("small")], modes: [], thinking: [], commands: [] };
    skuld.standing = { run: "r1", state: "ready", model: "large", mode: "ask", thinking: "", offers, tasks: [{ text: "a", state: "working" }] };
    const rig = await new Rig(skuld).live();
    expect(rig.state.view.agent?.model).toBe("large");
    expect(rig.state.view.offers.models.map(({ id }) => id)).toEqual(["large", "small"]);
    expect(rig.state.view.tasks).toHaveLength(1);
    skuld.record({ ...state({ model: "small" }) });
    await rig.clock.pass(50);
    expect(rig.state.view.agent?.model).toBe("small");
  });

  it("is not confirmed by word of something else", () => {
    const asked = chosen({}, { type: "chosen", seq: 1, at: "", model: "small", mode: null, thinking: null, by: "" });
    expect(confirmed(asked, state({ model: "large", mode: "plan" }), before, NO_OFFERS)).toEqual({ model: "small" });
    expect(confirmed(asked, state({ state: "exited" }), before, NO_OFFERS)).toEqual({ model: "small" });
  });

  it("is confirmed under another name, and by a new run", () => {
    const offers = { ...NO_OFFERS, models: [choice("small", "maker-small-4")] };
    expect(confirmed({ model: "small" }, state({ model: "maker-small-4" }), before, offers)).toEqual({});
    expect(confirmed({ model: "small" }, state({ model: "large", run: "r2" }), before, NO_OFFERS)).toEqual({});
  });

  it("says so when nobody hears it", async () => {
    const skuld = working();
    const rig = await new Rig(skuld).live();
    skuld.cut();
    await rig.clock.pass(1);
    expect(rig.engine.choose({ mode: "plan" })).toBe(false);
    expect(rig.state.complaint).toContain("cannot be reached");
  });
});

describe("the agent's plan and a diagnosis", () => {
  it("shows the newest plan only", async () => {
    const skuld = working();
    skuld.record({ type: "plan_changed", tasks: [{ text: "a", state: "pending" }] });
    skuld.record({ type: "plan_changed", tasks: [{ text: "a", state: "done" }, { text: "b", state: "working" }] });
    const rig = await new Rig(skuld).live();
    expect(rig.state.view.tasks.map(({ text }) => text)).toEqual(["a", "b"]);
  });

  it("takes a diagnosis back when all is fine, and when the turn ends", async () => {
    const skuld = working();
    const rig = await new Rig(skuld).live();
    const diagnosis = { type: "diagnosis", finding: "quiet", text: "model silent 80 s", since: "", evidence: ["no byte"], action: "wait" } as const;
    skuld.all(diagnosis);
    await rig.clock.pass(50);
    expect(rig.state.diagnosis?.text).toBe("model silent 80 s");
    skuld.all({ ...diagnosis, finding: "fine" });
    await rig.clock.pass(50);
    expect(rig.state.diagnosis).toBeNull();
    skuld.all(diagnosis);
    skuld.record({ type: "turn_finished", turn: 1, status: "ok", error: "", hint: "", usage: [], duration_ms: 1 });
    await rig.clock.pass(50);
    expect(rig.state.diagnosis).toBeNull();
  });
});

it("a page that was frozen for a minute is live again within two seconds", async () => {
  const skuld = working();
  const rig = await new Rig(skuld).live();
  skuld.freeze();
  skuld.record({ type: "notice", level: "info", text: "meanwhile", detail: "" });
  rig.clock.jump(60_000);
  rig.engine.wake();
  await rig.clock.pass(2_000);
  expect(rig.state.link.state).toBe("live");
  expect(rig.state.view.entries.at(-1)).toMatchObject({ text: "meanwhile" });
});
