const BY_NAME: Record<string, string> = { dockerfile: "dockerfile", makefile: "makefile", gemfile: "ruby", rakefile: "ruby", ".bashrc": "bash", ".gitconfig": "ini" };
const BY_ENDING: Record<string, string> = { mjs: "js", cjs: "js", mts: "ts", cts: "ts", pyi: "py", hh: "cpp", vue: "html", htm: "html", bat: "", txt: "" };

/** The language of a file by its name, as the highlighter calls it; "" when it has none. */
export function languageOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  const known = BY_NAME[name];
  if (known) return known;
  const dot = name.lastIndexOf(".");
  const ending = dot < 0 ? "" : name.slice(dot + 1);
  return BY_ENDING[ending] ?? ending;
}
