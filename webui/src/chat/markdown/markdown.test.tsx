import { cleanup, render } from "@testing-library/react";
import { afterEach, describe, expect, it } from "vitest";
import { Markdown } from "./Markdown";
import { parse } from "./parse";

afterEach(cleanup);

const html = (text: string): HTMLElement => render(<Markdown text={text} />).container;

describe("Markdown", () => {
  it("has headings, lists, tasks, tables, quotes and code", () => {
    const box = html("# Title\n\n- a\n- [x] done\n\n1. one\n\n| a | b |\n|--|--:|\n| 1 | 2 |\n\n> said\n\n```ts\nlet x\n```\n\n`inline` **strong** *em* ~~gone~~");
    for (const tag of ["h3", "ul", "ol", "table", "blockquote", "pre", "strong", "em", "del", "input[type=checkbox]"]) {
      expect(box.querySelector(tag), tag).not.toBeNull();
    }
    expect(box.querySelector("td[data-align=right]")?.textContent).toBe("2");
    expect(box.querySelector("pre")?.textContent).toBe("let x");
  });

  it("shows HTML as the text it is, and runs none", () => {
    const box = html('<script>alert(1)</script>\n\n<img src=x onerror="alert(1)"> and <b>bold</b> &lt;i&gt;\n\n<iframe src="https://evil.example"></iframe>');
    expect(box.querySelector("script, img, iframe, b, i")).toBeNull();
    expect(box.textContent).toContain("<script>alert(1)</script>");
    expect(box.textContent).toContain("<i>");
  });

  it("follows only safe links, in a new page that knows nothing of this one, and says where they lead", () => {
    const box = html("[docs](https://docs.example/a) [bad](javascript:alert(1)) [data](data:text/html,x) https://plain.example");
    const links = [...box.querySelectorAll("a")];
    expect(links.map((link) => link.getAttribute("href"))).toEqual(["https://docs.example/a", "https://plain.example"]);
    for (const link of links) expect(link.rel).toContain("noopener");
    expect(links[0]?.textContent).toContain("docs.example");
    expect(box.textContent).toContain("bad");
  });

  it("loads no pictures from elsewhere", () => {
    const box = html("![a chart](https://tracker.example/p.png)");
    expect(box.querySelector("img")).toBeNull();
    expect(box.textContent).toContain("a chart");
  });

  it("survives nesting that nobody writes", () => {
    expect(html(">".repeat(200) + " deep").textContent).toContain("deep");
  });
});

describe("streaming", () => {
  const text = "# A\n\nSome *text* here.\n\n- one\n- two\n  - three\n\n```py\nprint(1)\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end.";
  const shape = (value: string, before?: ReturnType<typeof parse>): unknown => parse(value, before).tokens.map(({ type, raw }) => [type, raw]);

  it("gives at its end what the whole text gives", () => {
    let parsed = parse("");
    for (let at = 1; at <= text.length; at += 3) parsed = parse(text.slice(0, at), parsed);
    expect(shape(text, parsed)).toEqual(shape(text));
  });

  it("keeps the blocks that cannot change any more", () => {
    const before = parse(text);
    const after = parse(`${text} And on.`, before);
    expect(after.tokens[0]).toBe(before.tokens[0]);
  });
});
