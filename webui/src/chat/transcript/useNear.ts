import { type RefObject, useEffect, useRef, useState } from "react";
import type { NearWatch } from "./Chunk";

/** Drawn ahead of the view by this much, so that scrolling never meets an empty box. */
const MARGIN = "1600px 0px";

/** One observer for all parcels of a transcript. */
export function useNear(scroller: RefObject<HTMLElement | null>): NearWatch {
  const tells = useRef(new Map<Element, (near: boolean) => void>());
  const observer = useRef<IntersectionObserver | null>(null);
  const [near] = useState<NearWatch>(() => ({
    watch(element, tell) {
      tells.current.set(element, tell);
      observer.current?.observe(element);
      return () => {
        tells.current.delete(element);
        observer.current?.unobserve(element);
      };
    },
  }));
  useEffect(() => {
    const watch = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) tells.current.get(entry.target)?.(entry.isIntersecting);
      },
      { root: scroller.current, rootMargin: MARGIN },
    );
    observer.current = watch;
    for (const element of tells.current.keys()) watch.observe(element);
    return () => watch.disconnect();
  }, [scroller]);
  return near;
}
