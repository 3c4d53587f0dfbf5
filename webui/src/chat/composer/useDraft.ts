import { useCallback, useState } from "react";

/** What a person began to write, kept per session until it is sent. */
export function useDraft(session: string): [string, (text: string) => void] {
  const place = `volundr.draft.${session}`;
  const [text, setText] = useState(() => read(place));
  const change = useCallback(
    (next: string) => {
      setText(next);
      try {
        if (next === "") window.localStorage.removeItem(place);
        else window.localStorage.setItem(place, next);
      } catch {
        // Without storage the draft lives as long as the page.
      }
    },
    [place],
  );
  return [text, change];
}

function read(place: string): string {
  try {
    return window.localStorage.getItem(place) ?? "";
  } catch {
    return "";
  }
}

/** "enter" sends with Enter; "mod+enter" breaks with it and sends with Ctrl or ⌘. */
export function sendsWithEnter(): boolean {
  try {
    return !["false", "0", "off", "no"].includes(window.localStorage.getItem("volundr.enterSends") ?? "true");
  } catch {
    return true;
  }
}

/** Put words at the end of what was begun in this session, from outside of its chat: it shows them when it is opened. */
export function addToDraft(session: string, words: string): void {
  const place = `volundr.draft.${session}`;
  const before = read(place).trimEnd();
  try {
    window.localStorage.setItem(place, before === "" ? words : `${before}\n\n${words}`);
  } catch {
    // Without storage there is no draft to add to.
  }
}
