import { type ReactNode, type RefObject, useEffect, useRef } from "react";
import { Button } from "../../ui/Button";
import { useChat } from "../context";
import { useChatState } from "../useChatState";
import styles from "./Transcript.module.css";

/** Older records come when the top of the conversation comes near. */
export function OlderHistory({ scroller }: { scroller: RefObject<HTMLElement | null> }): ReactNode {
  const { engine } = useChat();
  const older = useChatState((state) => state.older);
  const first = useChatState((state) => state.view.firstSeq);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (older !== "more" || !box.current) return;
    const watch = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) void engine.loadOlder();
      },
      { root: scroller.current, rootMargin: "800px 0px" },
    );
    watch.observe(box.current);
    return () => watch.disconnect();
  }, [older, first, engine, scroller]);
  if (older === "all") return null;
  return (
    <div ref={box} className={styles.older} role="status">
      {older === "failed" && first > 0 ? (
        <>
          Older history could not be read.
          <Button look="quiet" onClick={() => void engine.loadOlder()}>Try again</Button>
        </>
      ) : older === "loading" && first > 0 ? "Reading older history …" : null}
    </div>
  );
}
