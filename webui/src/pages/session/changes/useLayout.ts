import { type RefObject, useLayoutEffect, useState } from "react";
import { NARROW, useMedia } from "../../../ui/useMedia";
import type { Measures } from "./rows";

export interface Layout {
  measures: Measures;
  /** How wide a column of line numbers is, in pixels. */
  gutter: number;
}

const NUMBER_PADDING = 12;
const SIGN = 2;
const TEXT_PADDING = 12;

/** How the rows of a diff fit into this box, from the real size of a letter. */
export function useLayout(box: RefObject<HTMLElement | null>, split: boolean, digits: number): Layout {
  const narrow = useMedia(NARROW);
  const coarse = useMedia("(pointer: coarse)");
  const [{ width, letter, line }, setSize] = useState({ width: 800, letter: 7.2, line: 20 });
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => {
      const probe = document.createElement("span");
      probe.textContent = "0".repeat(100);
      probe.style.cssText = "position:absolute;visibility:hidden;white-space:pre";
      element.append(probe);
      const { width: hundred } = probe.getBoundingClientRect();
      const size = Number.parseFloat(getComputedStyle(element).fontSize) || 12;
      probe.remove();
      setSize({ width: element.clientWidth || 800, letter: hundred / 100 || 7.2, line: Math.ceil(size * 1.6) });
    };
    measure();
    void document.fonts?.ready.then(measure);
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [box]);
  const gutter = Math.ceil(digits * letter) + NUMBER_PADDING;
  const numbers = split || narrow ? 1 : 2;
  const room = (split ? width / 2 : width) - numbers * gutter - SIGN * letter - TEXT_PADDING - (split ? 1 : 0);
  return { gutter, measures: { columns: Math.max(8, Math.floor(room / letter)), line, head: coarse ? 48 : 38, note: 72 } };
}
