/** Offsets on the wire count characters as Python does: code points, not UTF-16 units. */

export function countPoints(text: string): number {
  let points = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff && isLow(text, i + 1)) points -= 1;
  }
  return points;
}

function isLow(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

export function pointsFrom(text: string, skip: number): string {
  if (skip <= 0) return text;
  let at = 0;
  for (let seen = 0; seen < skip && at < text.length; seen += 1) {
    const unit = text.charCodeAt(at);
    at += unit >= 0xd800 && unit <= 0xdbff && isLow(text, at + 1) ? 2 : 1;
  }
  return text.slice(at);
}
