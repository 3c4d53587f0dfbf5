import { Unplug } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { ports } from "../../../ports";
import { Button } from "../../../ui/Button";
import { classes } from "../../../ui/classes";
import { NARROW, useMedia } from "../../../ui/useMedia";
import { useNow } from "../../../ui/useNow";
import { Keys } from "./Keys";
import styles from "./TerminalScreen.module.css";
import type { LineState } from "./line";
import { Shell } from "./shell";

interface TerminalScreenProps {
  session: string;
  id: string;
  name: string;
  view: boolean;
  onTitle(text: string): void;
  onLeave(): void;
}

const FLASH_MS = 1_600;

/** One terminal and how the line to it is. */
export function TerminalScreen({ session, id, name, view, onTitle, onLeave }: TerminalScreenProps) {
  const box = useRef<HTMLDivElement>(null);
  const touch = useMedia(`(pointer: coarse), ${NARROW}`);
  const [shell, setShell] = useState<Shell>();
  const [line, setLine] = useState<LineState>({ state: "connecting" });
  const [refused, setRefused] = useState(0);
  const latest = useRef({ onTitle, onLeave });
  latest.current = { onTitle, onLeave };
  useEffect(() => {
    if (!box.current) return;
    const made = new Shell(box.current, ports().terminals, { session, id, view }, {
      line: setLine,
      title: (text) => latest.current.onTitle(text),
      refused: () => setRefused(Date.now()),
      leave: () => latest.current.onLeave(),
    });
    setShell(made);
    if (!window.matchMedia("(pointer: coarse)").matches) made.focus();
    return () => made.close();
  }, [session, id, view]);
  useEffect(() => {
    const timer = window.setTimeout(() => setRefused(0), FLASH_MS);
    return () => window.clearTimeout(timer);
  }, [refused]);
  return (
    <div className={styles.screen}>
      <LineNote line={line} view={view} refused={refused > 0} onRetry={() => shell?.retry()} />
      <div className={classes(styles.frame, line.state !== "open" && styles.down)}>
        <div ref={box} className={styles.box} role="group" aria-label={`Terminal ${name}. Control F6 leaves it.`} data-terminal={line.state} />
      </div>
      {touch && !view && <Keys shell={shell} />}
    </div>
  );
}

function LineNote({ line, view, refused, onRetry }: { line: LineState; view: boolean; refused: boolean; onRetry(): void }) {
  const unsent = refused && <strong className={styles.unsent}>What you typed was not sent.</strong>;
  if (line.state === "open") {
    if (!view) return null;
    return <p className={styles.note} role="status">You only look: nothing you type is sent. {unsent}</p>;
  }
  if (line.state === "connecting") return <p className={styles.note} role="status">Connecting … {unsent}</p>;
  return (
    <div className={classes(styles.note, styles.lost)} role="status">
      <Unplug aria-hidden />
      <span className={styles.words}>
        {line.state === "over" ? line.why : <Lost line={line} />} {unsent}
      </span>
      {line.state === "lost" && <Button onClick={onRetry}>Try now</Button>}
    </div>
  );
}

function Lost({ line }: { line: Extract<LineState, { state: "lost" }> }) {
  const left = useNow((now) => Math.max(0, Math.ceil((line.retryAt - now) / 1000)));
  return (
    <>
      Disconnected{line.why ? `: ${line.why}` : "."} {left > 0 ? `Trying again in ${left} s.` : "Trying again."}
    </>
  );
}
