const UNITS = [
  [60, 1, "s"],
  [3600, 60, "m"],
  [86_400, 3600, "h"],
  [604_800, 86_400, "d"],
  [31_536_000, 604_800, "w"],
  [Number.POSITIVE_INFINITY, 31_536_000, "y"],
] as const;

/** How long that is, in one unit: "now" under five seconds, then 42s, 3m, 2h, 5d, 7w, 1y. A clock ahead of ours counts as now. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 5) return "now";
  for (const [limit, unit, sign] of UNITS) {
    if (seconds < limit) return `${Math.floor(seconds / unit)}${sign}`;
  }
  return "";
}

/** The exact time, as the person's own locale writes it. */
export function exact(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "unknown";
  return date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}
