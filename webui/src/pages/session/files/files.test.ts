import { describe, expect, it } from "vitest";
import { languageOf } from "../language";
import { breaksOf, bytesIn, shownAs } from "./content";
import { above, folderOf, problemOfPath, within } from "./paths";

const content = (bytes: Uint8Array<ArrayBuffer> | string) => {
  const blob = new Blob([bytes]);
  // jsdom's Blob cannot be read; what browsers have can.
  const raw = typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes;
  Object.defineProperty(blob, "arrayBuffer", { value: async () => raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength) });
  return { bytes: blob, size: blob.size, revision: "r1" };
};

describe("a file", () => {
  it("is a text, a picture, or neither", async () => {
    expect(await shownAs("a.py", content("x = 1\n"))).toMatchObject({ kind: "text", text: "x = 1\n", revision: "r1" });
    expect(await shownAs("a.png", content("x"))).toMatchObject({ kind: "image" });
    expect(await shownAs("a", content(Uint8Array.of(0, 1)))).toMatchObject({ kind: "binary" });
    expect(await shownAs("latin1.txt", content(Uint8Array.of(0x67, 0xfc, 0x6e)))).toMatchObject({ kind: "binary" });
    expect(await shownAs("a", { bytes: null, size: 9, revision: "" })).toEqual({ kind: "large", size: 9 });
  });

  it("keeps a byte order mark and its line ends", async () => {
    expect(await shownAs("a.txt", content("\ufeffa\r\nb\r\n"))).toMatchObject({ text: "\ufeffa\r\nb\r\n", breaks: "\r\n" });
    expect([breaksOf("a\nb"), breaksOf("a\r\nb\n"), breaksOf("a"), breaksOf("a\rb\r\n")]).toEqual(["\n", "\n", "\n", "\n"]);
  });

  it("says how large it is", () => {
    expect([bytesIn(12), bytesIn(1500), bytesIn(2_400_000)]).toEqual(["12 bytes", "1.5 kB", "2.4 MB"]);
  });

  it("has a language by its name", () => {
    expect(["src/a.py", "Dockerfile", "x/.bashrc", "README", "notes.txt", "a.mjs"].map(languageOf)).toEqual(["py", "dockerfile", "bash", "", "", "js"]);
  });
});

describe("a path", () => {
  it("has folders above it", () => {
    expect(above("a/b/c")).toEqual(["", "a", "a/b"]);
    expect([folderOf("a/b"), folderOf("a"), within("", "a"), within("a", "b")]).toEqual(["a", "", "a", "a/b"]);
  });

  it("is refused with the reason", () => {
    expect(problemOfPath("a/b.txt")).toBe("");
    for (const wrong of ["", " ", "/a", "a/", "a//b", "../a", "a/./b"]) expect(problemOfPath(wrong)).not.toBe("");
  });
});
