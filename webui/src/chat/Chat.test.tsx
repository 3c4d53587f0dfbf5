import { cleanup, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Chat } from "./Chat";
import { ScriptedSkuld } from "./core/testing/skuld";
import type { ChatSession } from "./session";

class Nothing {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

let count = 0;
function session(part: Partial<ChatSession> = {}): ChatSession {
  return { id: `s${count}`, name: "s", status: "running", step: "", error: "", hint: "", agent: "demo", model: "", ...part };
}

beforeEach(() => {
  count += 1;
  vi.stubGlobal("ResizeObserver", Nothing);
  vi.stubGlobal("IntersectionObserver", Nothing);
  Element.prototype.scrollIntoView = () => {};
  const box = { top: 0, bottom: 100, left: 0, right: 100, width: 100, height: 100, x: 0, y: 0, toJSON: () => ({}) };
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue(box);
  window.localStorage.clear();
});

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function asking(): ScriptedSkuld {
  const skuld = new ScriptedSkuld();
  skuld.record({ type: "user_message", id: "u", text: "Clean up", by: "ada" });
  skuld.record({ type: "turn_started", turn: 1, messages: ["u"] });
  skuld.record({
    ...{ type: "permission_raised", id: "p", tool: "Bash", title: "Delete the build", input: { command: "rm -rf build" }, tool_id: null },
    ...{ reason: "It deletes files.", rules: [{ tool: "Bash", subject: "rm -rf build" }], scopes: ["once", "session", "always"], native: {}, parent: null },
  });
  return skuld;
}

describe("a chat", () => {
  it("sends with Enter, breaks with Shift+Enter and empties the box", async () => {
    const skuld = new ScriptedSkuld();
    render(<Chat session={session()} port={skuld} />);
    const box = await screen.findByLabelText("Message to the agent");
    await userEvent.type(box, "one{Shift>}{Enter}{/Shift}two{Enter}");
    await waitFor(() => expect(skuld.log).toMatchObject([{ type: "user_message", text: "one\ntwo" }]));
    expect(box).toHaveProperty("value", "");
    expect(await screen.findByText("stored")).toBeTruthy();
  });

  it("keeps a draft when it is left and comes back", async () => {
    const skuld = new ScriptedSkuld();
    const one = session();
    const first = render(<Chat session={one} port={skuld} />);
    await userEvent.type(await screen.findByLabelText("Message to the agent"), "half a thou");
    first.unmount();
    render(<Chat session={one} port={skuld} />);
    expect(await screen.findByDisplayValue("half a thou")).toBeTruthy();
  });

  it("shows exactly what is asked and answers it with a key", async () => {
    const skuld = asking();
    render(<Chat session={session()} port={skuld} />);
    const card = await screen.findByRole("region", { name: /Waiting for you: Delete the build/ });
    for (const words of ["rm -rf build", "Why it asks: It deletes files.", "Bash: rm -rf build"]) within(card).getByText(words);
    await userEvent.keyboard("s");
    await waitFor(() => expect(skuld.heard.at(-1)).toMatchObject({ type: "decide", id: "p", decision: "allow", scope: "session" }));
    skuld.record({ type: "permission_decided", id: "p", decision: "allow", scope: "session", message: "", input: null, by: "bob" });
    expect(await screen.findByText("Allowed for this session by bob")).toBeTruthy();
    expect(screen.queryByRole("region", { name: /Waiting for you/ })).toBeNull();
  });

  it("denies with a word to the agent", async () => {
    const skuld = asking();
    render(<Chat session={session()} port={skuld} />);
    await screen.findByRole("region", { name: /Waiting for you/ });
    await userEvent.keyboard("n");
    await userEvent.type(await screen.findByLabelText("A word to the agent"), "use make clean{Enter}");
    await waitFor(() => expect(skuld.heard.at(-1)).toMatchObject({ decision: "deny", message: "use make clean" }));
  });

  it("does not take a letter that is typed for an answer", async () => {
    const skuld = asking();
    render(<Chat session={session()} port={skuld} />);
    await screen.findByRole("region", { name: /Waiting for you/ });
    await userEvent.type(screen.getByLabelText("Message to the agent"), "yes");
    await userEvent.keyboard("{Control>}a{/Control}");
    expect(skuld.heard.some((frame) => frame.type === "decide")).toBe(false);
  });

  it("interrupts with Esc Esc, not with one", async () => {
    const skuld = asking();
    render(<Chat session={session()} port={skuld} />);
    await screen.findByRole("region", { name: /Waiting for you/ });
    await userEvent.keyboard("{Escape}");
    expect(skuld.heard.some((frame) => frame.type === "interrupt")).toBe(false);
    await userEvent.keyboard("{Escape}");
    await waitFor(() => expect(skuld.heard.at(-1)).toEqual({ type: "interrupt" }));
  });

  it("offers to try a failed turn again with the same words", async () => {
    const skuld = new ScriptedSkuld();
    skuld.record({ type: "user_message", id: "u", text: "Clean up", by: "ada" });
    skuld.record({ type: "turn_started", turn: 1, messages: ["u"] });
    skuld.record({ type: "turn_finished", turn: 1, status: "failed", error: "Overloaded", hint: "Wait a minute.", usage: [], duration_ms: 1 });
    render(<Chat session={session()} port={skuld} />);
    expect(await screen.findByText("Wait a minute.")).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(skuld.log.at(-1)).toMatchObject({ type: "user_message", text: "Clean up" }));
  });

  it("starts a stopped session with what is sent, and sends it when it runs", async () => {
    const skuld = new ScriptedSkuld();
    const onStart = vi.fn();
    const one = session({ status: "stopped" });
    const page = render(<Chat session={one} port={skuld} onStart={onStart} />);
    await userEvent.type(await screen.findByLabelText("Message to the agent"), "go on{Enter}");
    expect(onStart).toHaveBeenCalledOnce();
    expect(await screen.findByText("not sent yet")).toBeTruthy();
    page.rerender(<Chat session={{ ...one, status: "running" }} port={skuld} onStart={onStart} />);
    await waitFor(() => expect(skuld.log).toMatchObject([{ type: "user_message", text: "go on" }]));
  });

  it("says why it takes nothing when the session is archived", async () => {
    render(<Chat session={session({ status: "archived" })} port={new ScriptedSkuld()} onStart={() => {}} />);
    const box = await screen.findByLabelText("Message to the agent");
    expect(box).toHaveProperty("disabled", true);
    expect(box.getAttribute("placeholder")).toContain("Restore it to go on");
  });
});
