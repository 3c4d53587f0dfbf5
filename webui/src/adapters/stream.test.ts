import { afterEach, describe, expect, it, vi } from "vitest";
import type { LinkState, SessionEvents } from "../ports/sessions";
import { EventParser } from "./sse";
import { watch } from "./stream";

afterEach(() => vi.unstubAllGlobals());

describe("the parser", () => {
  const wire = 'retry: 1000\n: hello\n\nid: 1\nevent: session\ndata: {"a":\ndata: 1}\n\nid: 2\r\nevent: resync\r\ndata: {}\r\n\r\n';
  const events = [
    { id: "1", event: "session", data: '{"a":\n1}' },
    { id: "2", event: "resync", data: "{}" },
  ];

  it("reads the same events wherever the stream is cut", () => {
    for (let cut = 0; cut <= wire.length; cut++) {
      const parser = new EventParser();
      expect([...parser.push(wire.slice(0, cut)), ...parser.push(wire.slice(cut))]).toEqual(events);
    }
  });
});

/** A forge whose answers the test writes; each request gets the next of them. */
function forge(...answers: string[]) {
  const asked: (string | undefined)[] = [];
  vi.stubGlobal("fetch", async (_: string, init: { headers: Record<string, string>; signal: AbortSignal }) => {
    asked.push(init.headers["last-event-id"]);
    const text = answers.shift();
    if (text === undefined) return new Promise((__, reject) => init.signal.addEventListener("abort", () => reject(init.signal.reason)));
    return text === "401" ? new Response("{}", { status: 401 }) : new Response(text);
  });
  return asked;
}

function listen() {
  const said: string[] = [];
  const states: LinkState["state"][] = [];
  const events: SessionEvents = {
    session: (session) => said.push(`session ${session.id}`),
    deleted: (id) => said.push(`deleted ${id}`),
    resync: () => said.push("resync"),
    link: ({ state }) => states.push(state),
  };
  return { said, states, link: watch(events) };
}

describe("the stream", () => {
  it("asks for a resync first, tells what happens, and after a cut goes on where it was", async () => {
    const asked = forge('id: 7\nevent: session\ndata: {"id":"a"}\n\n', 'id: 8\nevent: session_deleted\ndata: {"id":"a"}\n\n');
    const { said, states, link } = listen();
    await vi.waitFor(() => expect(states).toContain("lost"));
    link.retry();
    await vi.waitFor(() => expect(said).toEqual(["resync", "session a", "deleted a"]));
    expect(asked.slice(0, 2)).toEqual([undefined, "7"]);
    link.close();
  });

  it("passes on the resync of a forge that no longer knows what was missed", async () => {
    forge("id: 9\nevent: resync\ndata: {}\n\n");
    const { said, link } = listen();
    await vi.waitFor(() => expect(said).toEqual(["resync", "resync"]));
    link.close();
  });

  it("stops asking when nobody is signed in any more", async () => {
    const asked = forge("401");
    const { states, link } = listen();
    await vi.waitFor(() => expect(states).toEqual(["connecting", "denied"]));
    expect(asked).toHaveLength(1);
    link.close();
  });
});
