/**
 * How well `text` answers `query`: 0 for not at all. Letters in order are enough; the whole query in one piece is better, at the
 * start of a word better still.
 */
export function score(text: string, query: string): number {
  const where = text.toLowerCase();
  const what = query.toLowerCase().trim();
  if (what === "") return 1;
  const found = where.indexOf(what);
  if (found >= 0) return found === 0 ? 100 : /[\s\-_/.]/.test(where[found - 1] ?? "") ? 80 : 60;
  let place = -1;
  let gaps = 0;
  for (const letter of what) {
    if (letter === " ") continue;
    const next = where.indexOf(letter, place + 1);
    if (next < 0) return 0;
    if (place >= 0) gaps += next - place - 1;
    place = next;
  }
  return Math.max(1, 40 - gaps);
}
