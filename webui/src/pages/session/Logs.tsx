import { Copy, RefreshCw } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { type Problem, asProblem } from "../../api/problem";
import type { Session } from "../../api/types";
import { ports } from "../../ports";
import { tell, tellProblem } from "../../stores/toasts";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Empty";
import { classes } from "../../ui/classes";
import styles from "./Logs.module.css";

const LINES = 1000;
const AGAIN_MS = 3000;
const NEAR_END = 40;

/** The last lines of what the session's processes print. Follows while it lives and the end is in view. */
export function Logs({ session }: { session: Session }) {
  const [lines, setLines] = useState<readonly string[]>();
  const [problem, setProblem] = useState<Problem>();
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const { id, status } = session;
  const load = useCallback(async () => {
    try {
      setLines(await ports().sessions.logs(id, LINES));
      setProblem(undefined);
    } catch (error) {
      setProblem(asProblem(error));
    }
  }, [id]);
  const lives = status === "running" || status === "starting" || status === "provisioning" || status === "stopping";
  useEffect(() => {
    void load();
    if (!lives) return;
    const timer = window.setInterval(() => document.visibilityState === "visible" && void load(), AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [load, lives]);
  useEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  if (problem && !lines) {
    return (
      <Empty title={problem.detail} action={<Button onClick={() => void load()}>Try again</Button>}>
        {problem.hint}
      </Empty>
    );
  }
  if (!lines) return null;
  if (lines.length === 0) return <Empty title="Nothing was logged yet.">What the session's processes print is shown here.</Empty>;
  const copy = () => navigator.clipboard.writeText(lines.join("\n")).then(() => tell("Copied."), tellProblem);
  return (
    <div className={styles.logs}>
      <div className={styles.bar}>
        <span>{problem ? problem.detail : lives ? `Last ${lines.length} lines, live` : `Last ${lines.length} lines`}</span>
        <Button look="quiet" icon={<RefreshCw />} onClick={() => void load()}>
          Reload
        </Button>
        <Button look="quiet" icon={<Copy />} onClick={() => void copy()}>
          Copy
        </Button>
      </div>
      <div
        ref={box}
        role="log"
        aria-live="off"
        aria-label="Log"
        tabIndex={0}
        className={styles.lines}
        onScroll={({ currentTarget: it }) => (atEnd.current = it.scrollHeight - it.scrollTop - it.clientHeight < NEAR_END)}
      >
        {lines.map((line, index) => (
          <div key={index} className={classes(styles.line, /\b(ERROR|CRITICAL|Traceback)\b/.test(line) && styles.error, /\bWARN(ING)?\b/.test(line) && styles.warning)}>
            {line || " "}
          </div>
        ))}
      </div>
    </div>
  );
}
