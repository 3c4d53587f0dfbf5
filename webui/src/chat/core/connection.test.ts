import { describe, expect, it } from "vitest";
import { ChatRefused } from "./port";
import { seeded, settle } from "./testing/clock";
import { memory, Rig } from "./testing/rig";
import { ScriptedSkuld } from "./testing/skuld";
import { story } from "./testing/story";

const shown = ({ state }: Rig): unknown => state.view;

async function uninterrupted(): Promise<unknown> {
  const rig = await new Rig(new ScriptedSkuld()).live();
  for (const step of story()) step(rig.skuld);
  await rig.clock.pass(100);
  return shown(rig);
}

describe("a connection", () => {
  it("offers protocol and ticket, attaches with its cursor and replays", async () => {
    const skuld = new ScriptedSkuld();
    for (const step of story()) step(skuld);
    const rig = await new Rig(skuld).live();
    expect(skuld.protocols).toEqual([["volundr.chat.v1", "volundr.ticket.t1"]]);
    expect(skuld.heard[0]).toEqual({ type: "attach", epoch: "", after: 0, tail: 500 });
    expect(rig.state.link.state).toBe("live");
    expect(rig.state.view.lastSeq).toBe(skuld.log.length);
    skuld.cut();
    await rig.clock.pass(2_000);
    expect(skuld.heard.at(-1)).toMatchObject({ epoch: "e1", after: skuld.log.length });
  });

  it("shows the same after 500 random cuts as without one", async () => {
    const whole = await uninterrupted();
    const chance = seeded(42);
    let cuts = 0;
    while (cuts < 500) {
      const rig = await new Rig(new ScriptedSkuld(), { chance }).live();
      for (const step of story()) {
        step(rig.skuld);
        if (chance() < 0.3) await rig.clock.pass(chance() * 40);
        if (chance() > 0.25) continue;
        cuts += 1;
        rig.skuld.cut(chance() < 0.5 ? 1006 : 1012);
        if (chance() < 0.6) await rig.clock.pass(chance() * 3_000);
      }
      await rig.clock.pass(20_000);
      expect(shown(rig)).toEqual(whole);
    }
  });

  it("hears that nothing comes any more and connects anew within 30 seconds", async () => {
    const rig = await new Rig(new ScriptedSkuld()).live();
    rig.skuld.freeze();
    await rig.clock.pass(29_000);
    expect(rig.skuld.opened).toBe(1);
    await rig.clock.pass(3_000);
    expect(rig.skuld.opened).toBe(2);
    expect(rig.state.link.state).toBe("live");
  });

  it("stays when it is idle but keep-alives come", async () => {
    const rig = await new Rig(new ScriptedSkuld()).live();
    for (let i = 0; i < 60; i += 1) {
      await rig.clock.pass(10_000);
      rig.skuld.raw('{"type":"keep_alive"}');
    }
    expect(rig.skuld.opened).toBe(1);
  });

  it("backs off, never longer than 15 seconds, and wakes at once", async () => {
    const rig = await new Rig(new ScriptedSkuld(), { chance: () => 1 }).live();
    rig.skuld.refuse = new Error("offline");
    rig.skuld.cut();
    await rig.clock.pass(120_000);
    const tries = rig.skuld.tickets;
    expect(tries).toBeLessThan(20);
    expect(rig.state.link).toMatchObject({ state: "waiting" });
    rig.skuld.refuse = null;
    rig.engine.wake();
    await rig.clock.pass(50);
    expect(rig.state.link.state).toBe("live");
  });

  it("takes a new ticket when the first is refused", async () => {
    const skuld = new ScriptedSkuld();
    skuld.answers = false;
    const rig = new Rig(skuld);
    rig.engine.start(true);
    await settle();
    skuld.answers = true;
    skuld.cut(4401);
    await rig.clock.pass(50);
    expect(skuld.protocols.at(-1)?.[1]).toBe("volundr.ticket.t2");
    expect(rig.state.link.state).toBe("live");
  });

  it("waits for a stopped session to run again, and then goes on where it was", async () => {
    const rig = await new Rig(new ScriptedSkuld()).live();
    rig.engine.setRunning(false);
    rig.skuld.cut(1001);
    await rig.clock.pass(600_000);
    expect(rig.state.link.state).toBe("stopped");
    expect(rig.skuld.opened).toBe(1);
    rig.engine.setRunning(true);
    await rig.clock.pass(50);
    expect(rig.state.link.state).toBe("live");
  });

  it("stops trying when there is no such session", async () => {
    const skuld = new ScriptedSkuld();
    skuld.refuse = new ChatRefused("gone", "No such session.");
    const rig = new Rig(skuld);
    rig.engine.start(true);
    await rig.clock.pass(60_000);
    expect(rig.state.link.state).toBe("gone");
    expect(skuld.tickets).toBe(1);
  });

  it("begins anew when the log is another one", async () => {
    const rig = await new Rig(new ScriptedSkuld()).live();
    for (const step of story()) step(rig.skuld);
    await rig.clock.pass(50);
    rig.skuld.log.length = 0;
    rig.skuld.epoch = "e2";
    rig.skuld.record({ type: "notice", level: "info", text: "new", detail: "" });
    rig.skuld.cut();
    await rig.clock.pass(5_000);
    expect(rig.state.view.entries).toMatchObject([{ text: "new" }]);
  });

  it("attaches again when a record is missing, instead of showing a hole", async () => {
    const rig = await new Rig(new ScriptedSkuld()).live();
    rig.skuld.freeze();
    rig.skuld.record({ type: "notice", level: "info", text: "one", detail: "" });
    rig.skuld.raw(""); // nothing is attached: lost on the way
    rig.skuld.cut();
    await rig.clock.pass(5_000);
    rig.skuld.log.push({ type: "notice", level: "info", text: "two", detail: "", seq: 2, at: "" });
    rig.skuld.record({ type: "notice", level: "info", text: "three", detail: "" });
    await rig.clock.pass(5_000);
    expect(rig.state.view.entries).toMatchObject([{ text: "one" }, { text: "two" }, { text: "three" }]);
  });
});

describe("the outbox", () => {
  it("sends a message typed while offline exactly once", async () => {
    const skuld = new ScriptedSkuld();
    const rig = await new Rig(skuld).live();
    skuld.refuse = new Error("offline");
    skuld.cut();
    await rig.clock.pass(1_000);
    rig.engine.send("typed in a tunnel");
    expect(rig.state.outbox).toMatchObject([{ text: "typed in a tunnel", state: "sending" }]);
    skuld.refuse = null;
    skuld.deafAfterSend = true;
    await rig.clock.pass(60_000);
    expect(skuld.log.filter((record) => record.type === "user_message")).toHaveLength(1);
    expect(rig.state.outbox).toEqual([]);
    expect(rig.state.view.pending).toMatchObject([{ text: "typed in a tunnel", state: "stored" }]);
  });

  it("outlives the page", async () => {
    const keep = memory();
    const skuld = new ScriptedSkuld();
    skuld.refuse = new Error("offline");
    const first = new Rig(skuld, { keep });
    first.engine.start(true);
    first.engine.send("do not lose me");
    first.engine.stop();
    skuld.refuse = null;
    const second = await new Rig(skuld, { keep, ids: "n" }).live();
    expect(skuld.log).toMatchObject([{ type: "user_message", id: "m1" }]);
    expect(second.state.outbox).toEqual([]);
    expect(keep.getItem("volundr.outbox.x")).toBeNull();
  });

  it("says why a message was refused and sends it again only when asked", async () => {
    const skuld = new ScriptedSkuld();
    const rig = new Rig(skuld);
    const id = rig.engine.send("too long");
    rig.engine.start(false);
    rig.engine.setRunning(true);
    skuld.hear = (pipe, frame) => {
      if (frame.type === "send") pipe.say({ type: "rejected", id: frame.id, error: "Too long." });
      else ScriptedSkuld.prototype.hear.call(skuld, pipe, frame);
    };
    await rig.clock.pass(100);
    expect(rig.state.outbox).toMatchObject([{ state: "rejected", error: "Too long." }]);
    Reflect.deleteProperty(skuld, "hear");
    rig.engine.again(id);
    await rig.clock.pass(100);
    expect(skuld.log).toMatchObject([{ type: "user_message", id }]);
  });
});

describe("an answer to a permission", () => {
  it("is sent again after a cut until it is a record, and forgotten then", async () => {
    const skuld = new ScriptedSkuld();
    const rig = await new Rig(skuld).live();
    for (const step of story()) {
      step(skuld);
      if (skuld.log.at(-1)?.type === "permission_raised") break;
    }
    await rig.clock.pass(50);
    skuld.refuse = new Error("offline");
    skuld.cut();
    rig.engine.decide("p1", { decision: "allow", scope: "session", message: "", input: null });
    expect(rig.state.deciding).toMatchObject({ p1: { scope: "session" } });
    skuld.refuse = null;
    await rig.clock.pass(20_000);
    expect(skuld.heard.at(-1)).toMatchObject({ type: "decide", id: "p1", scope: "session" });
    skuld.record({ type: "permission_decided", id: "p1", decision: "allow", scope: "session", message: "", input: null, by: "ada" });
    await rig.clock.pass(50);
    expect(rig.state.deciding).toEqual({});
    expect(rig.state.view.open).toEqual([]);
  });
});

describe("a session that does not run", () => {
  it("is read without a socket, page by page, and goes on from there when it starts", async () => {
    const skuld = new ScriptedSkuld();
    for (let i = 1; i <= 700; i += 1) skuld.record({ type: "notice", level: "info", text: `${i}`, detail: "" });
    const rig = new Rig(skuld);
    rig.engine.start(false);
    await settle();
    expect(rig.state).toMatchObject({ loaded: true, older: "more", link: { state: "stopped" } });
    expect([rig.state.view.firstSeq, rig.state.view.lastSeq]).toEqual([201, 700]);
    await rig.engine.loadOlder();
    expect(rig.state.older).toBe("all");
    expect(rig.state.view.firstSeq).toBe(1);
    expect([skuld.opened, skuld.tickets]).toEqual([0, 0]);
    rig.engine.send("go on");
    rig.engine.setRunning(true);
    await rig.clock.pass(50);
    expect(skuld.heard[0]).toMatchObject({ type: "attach", epoch: "e1", after: 700 });
    expect(rig.state.view.pending).toMatchObject([{ text: "go on", state: "stored" }]);
    expect(rig.state.view.firstSeq).toBe(1);
  });

  it("shows what was said while nobody was connected", async () => {
    const skuld = new ScriptedSkuld();
    const rig = await new Rig(skuld).live();
    skuld.record({ type: "notice", level: "info", text: "one", detail: "" });
    await rig.clock.pass(50);
    skuld.refuse = new Error("offline");
    skuld.cut();
    skuld.record({ type: "notice", level: "info", text: "two", detail: "" });
    rig.engine.setRunning(false);
    await settle();
    expect(rig.state.link.state).toBe("stopped");
    expect(rig.state.view.entries).toMatchObject([{ text: "one" }, { text: "two" }]);
  });

  it("says when it cannot be read, and reads it when asked again", async () => {
    const skuld = new ScriptedSkuld();
    skuld.record({ type: "notice", level: "info", text: "one", detail: "" });
    skuld.unreadable = true;
    const rig = new Rig(skuld);
    rig.engine.start(false);
    await settle();
    expect(rig.state).toMatchObject({ loaded: true, older: "failed" });
    skuld.unreadable = false;
    await rig.engine.readPast();
    expect(rig.state).toMatchObject({ older: "all", view: { entries: [{ text: "one" }] } });
  });
});

describe("older history", () => {
  it("comes in pages before the window", async () => {
    const skuld = new ScriptedSkuld();
    for (const step of story()) step(skuld);
    const whole = await new Rig(skuld).live();
    skuld.tail = 6;
    const rig = await new Rig(skuld).live();
    expect(rig.state.older).toBe("more");
    expect(rig.state.view.entries.length).toBeLessThan(whole.state.view.entries.length);
    await rig.engine.loadOlder();
    expect(rig.state.older).toBe("all");
    expect(shown(rig)).toEqual(shown(whole));
  });
});
