import { useCallback, useState } from "react";
import type { ChangedFile, Patch } from "../../../ports/workspace";
import type { Loaded } from "./rows";

type Marks = Readonly<Record<string, string>>;

interface Viewed {
  /** Whether this state of the file was looked at. */
  has(file: ChangedFile, loaded: Loaded | undefined): boolean;
  toggle(file: ChangedFile, loaded: Loaded | undefined): void;
}

/** Which files a person ticked off, kept in this browser. A file that changed since is not viewed any more. */
export function useViewed(session: string): Viewed {
  const place = `volundr.viewed.${session}`;
  const [marks, setMarks] = useState<Marks>(() => read(place));
  const has = useCallback((file: ChangedFile, loaded: Loaded | undefined) => same(marks[file.path], file, loaded), [marks]);
  const toggle = useCallback(
    (file: ChangedFile, loaded: Loaded | undefined) =>
      setMarks((old) => {
        const { [file.path]: before, ...rest } = old;
        const now = same(before, file, loaded) ? rest : { ...rest, [file.path]: `${counts(file)} ${print(loaded)}` };
        try {
          window.localStorage.setItem(place, JSON.stringify(now));
        } catch {
          // Without storage the marks live as long as the page.
        }
        return now;
      }),
    [place],
  );
  return { has, toggle };
}

function same(mark: string | undefined, file: ChangedFile, loaded: Loaded | undefined): boolean {
  if (mark === undefined) return false;
  const [was, text] = mark.split(" ");
  const now = print(loaded);
  return was === counts(file) && (now === "" || !text || text === now);
}

const counts = ({ status, added, removed }: ChangedFile) => `${status}:${added}:${removed}`;

const prints = new WeakMap<Patch, string>();

/** A short number that is another when the patch is another. */
function print(loaded: Loaded | undefined): string {
  if (loaded?.state !== "ready") return "";
  const known = prints.get(loaded.patch);
  if (known) return known;
  const text = loaded.patch.patch;
  let hash = 5381;
  for (let at = 0; at < text.length; at += 1) hash = (hash * 33 + text.charCodeAt(at)) | 0;
  prints.set(loaded.patch, String(hash >>> 0));
  return String(hash >>> 0);
}

function read(place: string): Marks {
  try {
    const kept: unknown = JSON.parse(window.localStorage.getItem(place) ?? "{}");
    return typeof kept === "object" && kept !== null ? (kept as Marks) : {};
  } catch {
    return {};
  }
}
