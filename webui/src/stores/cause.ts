/** The line of an error that matters, and all the rest of it in order. A traceback's is where it ends, not where it begins. */
export function causeOf(error: string): { line: string; rest: string } {
  const lines = error.trim().split("\n");
  const traceback = lines.findIndex((line) => line.startsWith("Traceback"));
  const end = traceback < 0 ? -1 : lines.findIndex((line, index) => index > traceback && /^\S/.test(line) && !line.startsWith("Traceback"));
  const at = traceback === 0 && end > 0 ? end : 0;
  return { line: lines[at] ?? "", rest: lines.filter((_, index) => index !== at).join("\n").trim() };
}
