const GAP = 6;
const EDGE = 8;

/** Put a floating element beside its anchor, on the other side where there is no room, and never over the edge of the window. */
export function place(float: HTMLElement, anchor: DOMRect, side: "below" | "below-end" | "above"): void {
  const size = float.getBoundingClientRect();
  const wanted =
    side === "below"
      ? anchor.left + anchor.width / 2 - size.width / 2
      : side === "below-end"
        ? anchor.right - size.width
        : anchor.left;
  const left = Math.max(EDGE, Math.min(wanted, window.innerWidth - size.width - EDGE));
  const below = anchor.bottom + GAP;
  const above = anchor.top - size.height - GAP;
  const fitsBelow = below + size.height <= window.innerHeight - EDGE;
  const up = side === "above" ? above >= EDGE : !fitsBelow && above >= EDGE;
  float.style.left = `${Math.round(left)}px`;
  float.style.top = `${Math.round(up ? above : Math.max(EDGE, Math.min(below, window.innerHeight - size.height - EDGE)))}px`;
}
