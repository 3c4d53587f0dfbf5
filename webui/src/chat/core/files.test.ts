import { describe, expect, it } from "vitest";
import { Files } from "./files";
import { settle } from "./testing/clock";
import { ScriptedSkuld } from "./testing/skuld";

const file = (name: string, text = "x"): File => new File([text], name, { type: "text/plain" });

describe("files of a draft", () => {
  it("are kept until the session can be reached, and then sent once", async () => {
    const skuld = new ScriptedSkuld();
    const files = new Files("x", skuld);
    files.add([file("a.txt")]);
    expect(files.store.getState()).toMatchObject([{ state: "kept" }]);
    files.reach(true);
    files.reach(true);
    await settle();
    expect(files.store.getState()).toMatchObject([{ state: "ready", part: 1 }]);
    expect(skuld.uploads).toHaveLength(1);
    expect(files.take()).toMatchObject([{ name: "a.txt" }]);
    expect(files.store.getState()).toEqual([]);
  });

  it("say why one was not taken, and try again when asked", async () => {
    const skuld = new ScriptedSkuld();
    const files = new Files("x", skuld);
    files.reach(true);
    skuld.refuse = new Error("The disk is full.");
    files.add([file("a.txt"), file("empty", "")]);
    await settle();
    expect(files.store.getState()).toMatchObject([{ state: "failed", error: "The disk is full." }, { state: "failed", error: "It is empty." }]);
    skuld.refuse = null;
    files.retry(files.store.getState()[0]?.key ?? "");
    await settle();
    expect(files.store.getState()[0]).toMatchObject({ state: "ready" });
    files.remove(files.store.getState()[1]?.key ?? "");
    expect(files.store.getState()).toHaveLength(1);
  });
});
