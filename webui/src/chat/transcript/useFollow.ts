import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

const AT_END_PX = 48;

export interface Follow {
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  following: boolean;
  toEnd: () => void;
}

interface Anchor {
  key: string;
  top: number;
}

/**
 * Nothing jumps. At the end the view follows what comes; elsewhere the row that is being read stays where it is, whatever
 * grows or shrinks around it: corrected before the browser paints, in every browser alike.
 */
export function useFollow(): Follow {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const anchor = useRef<Anchor | null>(null);
  const lastTop = useRef(0);
  const follows = useRef(true);
  const [following, setFollowing] = useState(true);

  const settle = useCallback(() => {
    const box = scroller.current;
    if (!box) return;
    if (follows.current) box.scrollTop = box.scrollHeight;
    else if (anchor.current) restore(box, anchor.current);
    lastTop.current = box.scrollTop;
    if (!follows.current && atEnd(box)) follows.current = true;
    setFollowing(follows.current);
  }, []);

  useEffect(() => {
    const box = scroller.current;
    const inner = content.current;
    if (!box || !inner) return;
    const onScroll = (): void => {
      if (atEnd(box)) follows.current = true;
      else if (box.scrollTop < lastTop.current - 1) follows.current = false;
      lastTop.current = box.scrollTop;
      anchor.current = follows.current ? null : find(box);
      setFollowing(follows.current);
    };
    // Opening something is reading it: it stays under the pointer, even at the end of the view.
    const onClick = (event: Event): void => {
      const target = event.target instanceof Element ? event.target.closest("button") : null;
      const row = target?.closest<HTMLElement>("[data-row]");
      if (!row || target?.dataset["answer"]) return;
      follows.current = false;
      anchor.current = { key: row.dataset["row"] ?? "", top: topOf(row) - topOf(box) };
    };
    const observer = new ResizeObserver(settle);
    observer.observe(inner);
    observer.observe(box);
    box.addEventListener("scroll", onScroll, { passive: true });
    inner.addEventListener("click", onClick, { capture: true });
    return () => {
      inner.removeEventListener("click", onClick, { capture: true });
      observer.disconnect();
      box.removeEventListener("scroll", onScroll);
    };
  }, [settle]);

  const toEnd = useCallback(() => {
    follows.current = true;
    anchor.current = null;
    setFollowing(true);
    settle();
  }, [settle]);

  return { scroller, content, following, toEnd };
}

function atEnd(box: HTMLElement): boolean {
  return box.scrollHeight - box.scrollTop - box.clientHeight < AT_END_PX;
}

function topOf(element: Element): number {
  return element.getBoundingClientRect().top;
}

function find(box: HTMLElement): Anchor | null {
  const top = box.getBoundingClientRect().top;
  for (const row of rowsOf(box)) {
    const place = row.getBoundingClientRect();
    if (place.bottom > top + 1) return { key: row.dataset["row"] ?? "", top: place.top - top };
  }
  return null;
}

function restore(box: HTMLElement, anchor: Anchor): void {
  const row = box.querySelector(`[data-row="${anchor.key.replace(/["\\]/g, "\\$&")}"]`);
  if (!row) return;
  const moved = row.getBoundingClientRect().top - box.getBoundingClientRect().top - anchor.top;
  if (Math.abs(moved) >= 1) box.scrollTop += moved;
}

/** The drawn rows near the top of the view: parcels above it are passed over as a whole. */
function* rowsOf(box: HTMLElement): IterableIterator<HTMLElement> {
  const top = box.getBoundingClientRect().top;
  for (const chunk of box.querySelectorAll<HTMLElement>("[data-chunk]")) {
    if (chunk.getBoundingClientRect().bottom <= top) continue;
    yield* chunk.querySelectorAll<HTMLElement>("[data-row]");
  }
}
