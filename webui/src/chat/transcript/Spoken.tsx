import { type ReactNode, useEffect, useRef, useState } from "react";
import { useChatState } from "../useChatState";

const LONGEST = 400;

/** For screen readers: finished words of the agent politely, questions at once. Never a word while it streams. */
export function Spoken(): ReactNode {
  const loaded = useChatState((state) => state.loaded);
  const entries = useChatState((state) => state.view.entries);
  const asking = useChatState((state) => state.view.open.at(-1));
  const [said, setSaid] = useState("");
  const lastKey = useRef<string | null>(null);
  useEffect(() => {
    const last = entries.findLast((entry) => entry.type === "block" && entry.kind === "text" && !entry.streaming);
    if (!loaded || last?.type !== "block") return;
    // What was there before this person came is there to be read, not to be announced.
    if (lastKey.current !== null && lastKey.current !== last.key) setSaid(last.text.slice(0, LONGEST));
    lastKey.current = last.key;
  }, [entries, loaded]);
  return (
    <>
      <div className="visually-hidden" aria-live="polite">{said}</div>
      <div className="visually-hidden" aria-live="assertive">{asking ? `Waiting for you: ${asking.title || asking.tool}` : ""}</div>
    </>
  );
}
