import type { Content } from "../../../ports/workspace";

/** More than this is not opened without asking. */
export const MOST_TEXT = 2 * 1024 * 1024;
export const MOST_AT_ALL = 64 * 1024 * 1024;

export type Shown =
  | { kind: "text"; text: string; revision: string; breaks: "\n" | "\r\n" }
  | { kind: "image"; blob: Blob; size: number }
  | { kind: "binary"; size: number }
  | { kind: "large"; size: number };

const IMAGES: Record<string, string> = {
  png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp", avif: "image/avif",
  ico: "image/x-icon", bmp: "image/bmp", svg: "image/svg+xml",
};

export function imageType(path: string): string | undefined {
  return IMAGES[path.slice(path.lastIndexOf(".") + 1).toLowerCase()];
}

/** What a file's bytes are to a person: a picture, a text, or neither. */
export async function shownAs(path: string, { bytes, size, revision }: Content): Promise<Shown> {
  if (!bytes) return { kind: "large", size };
  const type = imageType(path);
  if (type && size > 0) return { kind: "image", blob: new Blob([bytes], { type }), size };
  const raw = new Uint8Array(await bytes.arrayBuffer());
  if (raw.includes(0)) return { kind: "binary", size };
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
    return { kind: "text", text, revision, breaks: breaksOf(text) };
  } catch {
    return { kind: "binary", size };
  }
}

/** How the lines end. Where it is mixed, a carriage return is a letter like others, so that saving changes no line that was not touched. */
export function breaksOf(text: string): "\n" | "\r\n" {
  const all = text.match(/\n/g)?.length ?? 0;
  const both = text.match(/\r\n/g)?.length ?? 0;
  const returns = text.match(/\r/g)?.length ?? 0;
  return all > 0 && both === all && returns === both ? "\r\n" : "\n";
}

export function bytesIn(size: number): string {
  if (size < 1000) return `${size} bytes`;
  if (size < 1_000_000) return `${(size / 1000).toFixed(1)} kB`;
  return `${(size / 1_000_000).toFixed(1)} MB`;
}
