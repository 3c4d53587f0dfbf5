import type { ReactNode } from "react";
import { useNow } from "../../ui/useNow";
import { between, duration } from "../format";

/** Quick things need no time beside them. */
const WORTH_MS = 1_000;

export function Elapsed({ from, to }: { from: string; to: string }): ReactNode {
  if (to === "") return <Running from={from} />;
  const ms = between(from, to);
  return ms < WORTH_MS ? null : <span>{duration(ms)}</span>;
}

function Running({ from }: { from: string }): ReactNode {
  const seconds = useNow((now) => Math.floor((now - Date.parse(from)) / 1_000));
  return seconds >= 1 ? <span>{duration(seconds * 1_000)}</span> : null;
}
