import { useEffect, useState } from "react";
import type { Colour } from "./grammars";

/** Colouring more than this takes longer than a frame; it is shown plain. */
const LONGEST = 20_000;

let loaded: Colour | null = null;
let loading: Promise<Colour> | null = null;

/** The colouring function, fetched the first time some code is shown; null until then. */
export function useColour(code: string, language: string): Colour | null {
  const wanted = language !== "" && code.length <= LONGEST;
  const [colour, setColour] = useState<Colour | null>(() => loaded);
  useEffect(() => {
    if (!wanted || colour !== null) return;
    let here = true;
    loading ??= import("./grammars").then((module) => module.colour);
    loading.then(
      (ready) => {
        loaded = ready;
        if (here) setColour(() => ready);
      },
      () => {
        loading = null; // Offline: plain code is fine, the next block tries again.
      },
    );
    return () => {
      here = false;
    };
  }, [wanted, colour]);
  return wanted ? colour : null;
}
