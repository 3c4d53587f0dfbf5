import type { Usage } from "./core/frames";

const thousands = new Intl.NumberFormat("en-US");

export function count(value: number): string {
  return thousands.format(value);
}

/** 940 → "940", 12_345 → "12.3k", 2_500_000 → "2.5M". */
export function short(value: number): string {
  if (value < 1_000) return String(value);
  if (value < 999_500) return `${trim(value / 1_000)}k`;
  return `${trim(value / 1_000_000)}M`;
}

function trim(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(1).replace(/\.0$/, "");
}

export function duration(ms: number): string {
  if (ms < 950) return `${Math.max(0.1, Math.round(ms / 100) / 10)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

export function between(from: string, to: string): number {
  const ms = Date.parse(to) - Date.parse(from);
  return Number.isFinite(ms) && ms > 0 ? ms : 0;
}

/** The hour and minute; the day too when it is not today. */
export function moment(at: string): string {
  const time = new Date(at);
  if (at === "" || Number.isNaN(time.getTime())) return "";
  const hour = time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  if (time.toDateString() === new Date().toDateString()) return hour;
  return `${time.toLocaleDateString([], { day: "numeric", month: "short" })}, ${hour}`;
}

export function exactly(at: string): string {
  const time = new Date(at);
  return at === "" || Number.isNaN(time.getTime()) ? "" : time.toLocaleString();
}

export interface Total {
  input: number;
  output: number;
  cache: number;
  /** Null when the price of any part is not known: a sum of some is no sum. */
  cost: number | null;
}

export function total(usage: readonly Usage[]): Total {
  const sum: Total = { input: 0, output: 0, cache: 0, cost: 0 };
  for (const part of usage) {
    sum.input += part.input;
    sum.output += part.output;
    sum.cache += part.cache_read + part.cache_write;
    sum.cost = sum.cost === null || part.cost_usd === null ? null : sum.cost + part.cost_usd;
  }
  return sum;
}

export function money(usd: number | null): string {
  if (usd === null) return "cost unknown";
  if (usd === 0) return "$0";
  if (usd < 0.01) return `$${usd.toFixed(4)}`;
  return `$${usd.toFixed(usd < 1 ? 3 : 2)}`;
}

export function plural(amount: number, one: string, many: string): string {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}

/** 900 → "900 B", 12_345 → "12.1 kB". */
export function bytes(size: number): string {
  if (size < 1_024) return `${size} B`;
  return size < 1_048_576 ? `${trim(size / 1_024)} kB` : `${trim(size / 1_048_576)} MB`;
}
