import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");
const LIMIT = 400;

/** What each folder may import from; itself always. `chat` is a feature with its own port and adapter. */
const MAY: Record<string, readonly string[]> = {
  api: [],
  ports: ["api"],
  adapters: ["api", "ports"],
  ui: ["api"],
  stores: ["api", "ports", "ui"],
  chat: ["api", "ui", "stores", "styles", "adapters", "ports"],
  pages: ["api", "ports", "ui", "stores", "chat"],
  app: ["api", "ports", "ui", "stores", "pages", "adapters", "styles", "chat"],
};

const files = readdirSync(ROOT, { recursive: true, encoding: "utf8" }).filter((path) => /\.(ts|tsx|css)$/.test(path));
const code = files.filter((path) => /\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path) && !path.endsWith(".d.ts"));
const text = (path: string) => readFileSync(join(ROOT, path), "utf8");

describe("the source", () => {
  it("imports only inwards", () => {
    const wrong = code.flatMap((path) => {
      const layer = path.split("/")[0] ?? "";
      return importsOf(path).filter((target) => target !== layer && MAY[layer] && !MAY[layer]?.includes(target)).map((target) => `${path} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it(`has no file over ${LIMIT} lines`, () => {
    expect(files.filter((path) => !path.endsWith(".d.ts") && text(path).split("\n").length > LIMIT)).toEqual([]);
  });

  it("holds colours only in the tokens", () => {
    const styled = files.filter((path) => path.endsWith(".css") && !path.endsWith("tokens.css"));
    expect(styled.filter((path) => /#[0-9a-f]{3,8}\b|\b(rgb|hsl|oklch|oklab)a?\((?!in )/i.test(text(path)))).toEqual([]);
  });

  it("names only tokens that exist", () => {
    const defined = new Set(files.filter((path) => path.endsWith(".css")).flatMap((path) => [...text(path).matchAll(/(--[\w-]+):/g)].map((match) => match[1])));
    const used = files.filter((path) => path.endsWith(".css")).flatMap((path) => [...text(path).matchAll(/var\((--[\w-]+)/g)].map((match) => `${match[1]} ${path}`));
    expect(used.filter((use) => !defined.has(use.split(" ")[0]))).toEqual([]);
  });

  it("names no address of the outside world", () => {
    const told = code.filter((path) => !/mock|test/.test(path));
    expect(told.filter((path) => /https?:\/\/(?!host\/|127\.0\.0\.1|www\.w3\.org)[\w.]/.test(text(path)))).toEqual([]);
  });
});

function importsOf(path: string): string[] {
  return [...text(path).matchAll(/(?:from|import\() ?"(\.[^"]+)"|import "(\.[^"]+)"/g)].map((match) => {
    const target = resolve(ROOT, dirname(path), match[1] ?? match[2] ?? "");
    return relative(ROOT, target).split("/")[0] ?? "";
  });
}
