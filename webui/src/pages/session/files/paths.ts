export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function within(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** Every folder above a path, from the root: for "a/b/c" it is "", "a" and "a/b". */
export function above(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return ["", ...parts.map((_, index) => parts.slice(0, index + 1).join("/"))];
}

/** What is wrong with a path that a person typed; "" when nothing is. */
export function problemOfPath(path: string): string {
  if (path.trim() === "") return "It needs a name.";
  if (path.startsWith("/") || path.endsWith("/")) return "It neither begins nor ends with a slash.";
  if (path.split("/").some((part) => part === "" || part === "." || part === "..")) return "Its parts may not be empty, `.` or `..`.";
  return "";
}
