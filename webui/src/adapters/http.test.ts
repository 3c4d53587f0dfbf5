import { afterEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../api/problem";
import { request } from "./http";

afterEach(() => vi.unstubAllGlobals());

function answer(status: number, body: string, type = "application/problem+json"): void {
  vi.stubGlobal("fetch", async () => new Response(body || null, { status, headers: { "content-type": type } }));
}

async function problem(): Promise<Problem> {
  try {
    await request("GET", "/api/v1/x");
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error("The request did not fail.");
}

describe("a request that fails", () => {
  it("carries title, detail, hint and status of the problem document", async () => {
    answer(409, JSON.stringify({ title: "Conflict", status: 409, detail: "Taken.", hint: "Take another." }));
    expect(await problem()).toMatchObject({ status: 409, title: "Conflict", detail: "Taken.", hint: "Take another." });
  });

  it("names the fields that the forge found wrong", async () => {
    answer(422, JSON.stringify({ title: "Invalid", detail: "x", errors: [{ path: "source.git.url", message: "Too short." }] }));
    expect((await problem()).fields).toEqual({ "source.git.url": "Too short." });
  });

  it("makes sense of an answer that is no problem document", async () => {
    answer(502, "<html>Bad gateway</html>", "text/html");
    expect(await problem()).toMatchObject({ status: 502, hint: "" });
  });

  it("survives a problem document of the wrong shape", async () => {
    answer(500, JSON.stringify({ detail: [1, 2], errors: "all" }));
    expect(await problem()).toMatchObject({ status: 500, fields: {} });
  });

  it("says that the forge cannot be reached, and what to do", async () => {
    vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("Failed to fetch")));
    const found = await problem();
    expect(found.status).toBe(0);
    expect(found.hint).toContain("volundr up");
  });

  it("ends when the forge takes too long", async () => {
    vi.stubGlobal("fetch", (_: string, init: RequestInit) => new Promise((__, reject) => init.signal?.addEventListener("abort", () => reject(init.signal?.reason))));
    await expect(request("GET", "/x", undefined, 10)).rejects.toThrow("did not answer");
  });
});

describe("a request that succeeds", () => {
  it("gives the body, or nothing for 204", async () => {
    answer(200, '{"a":1}', "application/json");
    expect(await request("GET", "/x")).toEqual({ a: 1 });
    answer(204, "");
    expect(await request("DELETE", "/x")).toBeUndefined();
  });
});
