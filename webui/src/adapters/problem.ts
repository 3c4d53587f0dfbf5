import { Problem } from "../api/problem";

interface Entry {
  path?: unknown;
  message?: unknown;
}

/** The problem document of an answer; also of an answer that is none of ours (a proxy's HTML page, nothing at all). */
export async function problemOf(response: Response): Promise<Problem> {
  const fallback = response.statusText || `HTTP ${response.status}`;
  let body: unknown;
  try {
    body = await response.json();
  } catch {
    return new Problem(response.status, fallback, `The forge answered ${response.status} ${response.statusText}`.trim() + ".");
  }
  const document: Record<string, unknown> = typeof body === "object" && body !== null ? { ...body } : {};
  return new Problem(
    response.status,
    text(document.title) || fallback,
    text(document.detail) || fallback,
    text(document.hint),
    fieldsOf(document.errors),
  );
}

function fieldsOf(errors: unknown): Record<string, string> {
  if (!Array.isArray(errors)) return {};
  const fields: Record<string, string> = {};
  for (const entry of errors as Entry[]) {
    const place = text(entry?.path);
    const words = text(entry?.message);
    if (place && words) fields[place] ??= words;
  }
  return fields;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
