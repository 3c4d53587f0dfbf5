import { Unplug } from "lucide-react";
import { useEffect } from "react";
import type { Problem } from "../api/problem";
import { Button } from "../ui/Button";
import { Empty } from "../ui/Empty";
import styles from "./Unreachable.module.css";

const AGAIN_MS = 3000;

/** The forge did not say who we are. Asks again by itself. */
export function Unreachable({ problem, retry }: { problem: Problem; retry: () => Promise<void> }) {
  useEffect(() => {
    const timer = window.setInterval(() => void retry(), AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [retry]);
  return (
    <main className={styles.page}>
      <Empty icon={<Unplug />} title={problem.detail} action={<Button onClick={() => void retry()}>Try now</Button>}>
        {problem.hint} This page tries again every {AGAIN_MS / 1000} seconds.
      </Empty>
    </main>
  );
}
