import type { ElementContent } from "hast";
import bash from "highlight.js/lib/languages/bash";
import c from "highlight.js/lib/languages/c";
import cpp from "highlight.js/lib/languages/cpp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import dockerfile from "highlight.js/lib/languages/dockerfile";
import go from "highlight.js/lib/languages/go";
import ini from "highlight.js/lib/languages/ini";
import java from "highlight.js/lib/languages/java";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import kotlin from "highlight.js/lib/languages/kotlin";
import makefile from "highlight.js/lib/languages/makefile";
import php from "highlight.js/lib/languages/php";
import python from "highlight.js/lib/languages/python";
import ruby from "highlight.js/lib/languages/ruby";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import swift from "highlight.js/lib/languages/swift";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { createLowlight } from "lowlight";

export interface Run {
  text: string;
  /** What it is ("keyword", "string", …), "" for plain text. */
  kind: string;
}

export type Colour = (code: string, language: string) => readonly Run[] | null;

const low = createLowlight({
  bash, c, cpp, css, diff, dockerfile, go, ini, java, javascript, json, kotlin, makefile, php, python, ruby, rust, sql,
  swift, typescript, xml, yaml,
});
low.registerAlias({ bash: ["sh", "shell", "zsh", "console"], ini: ["toml", "cfg"], json: ["jsonc", "json5"] });

/** Code as coloured runs; null when the language is not known. */
export const colour: Colour = (code, language) => {
  const name = language.toLowerCase();
  if (!low.registered(name)) return null;
  const runs: Run[] = [];
  collect(low.highlight(name, code).children as ElementContent[], "", runs);
  return runs;
};

function collect(nodes: readonly ElementContent[], kind: string, runs: Run[]): void {
  for (const node of nodes) {
    if (node.type === "text") runs.push({ text: node.value, kind });
    else if (node.type === "element") collect(node.children, kindOf(node.properties["className"]) || kind, runs);
  }
}

function kindOf(names: unknown): string {
  const first = Array.isArray(names) ? names[0] : undefined;
  return typeof first === "string" ? first.replace(/^hljs-/, "") : "";
}
