import { useEffect, useState } from "react";
import { useSessions } from "../stores/sessions";
import { Button } from "../ui/Button";
import { useNow } from "../ui/useNow";
import styles from "./ConnectionBanner.module.css";

/** A short cut mends itself: nobody needs to hear of it. */
const PATIENCE_MS = 1500;

/** Says that what the page shows may be old, what is being tried, and when. */
export function ConnectionBanner() {
  const link = useSessions((state) => state.link);
  const retry = useSessions((state) => state.retry);
  const problem = useSessions((state) => state.problem);
  const down = link.state === "lost" || (link.state === "connecting" && problem !== undefined);
  const [shown, setShown] = useState(false);
  const [why, setWhy] = useState("");
  if (link.state === "lost" && link.why !== why) setWhy(link.why);
  useEffect(() => {
    if (link.state === "live" || link.state === "denied") return setShown(false);
    const timer = window.setTimeout(() => setShown(true), PATIENCE_MS);
    return () => window.clearTimeout(timer);
  }, [link.state === "live", link.state === "denied"]);
  if (!(shown && (down || link.state === "connecting") && why)) return null;
  return (
    <div className={styles.banner} role="status">
      <span>
        <strong>{why}</strong> Your sessions go on; what you see may be old.{" "}
        {link.state === "lost" ? <Countdown to={link.retryAt} /> : "Connecting …"}
      </span>
      <Button onClick={retry}>Try now</Button>
    </div>
  );
}

function Countdown({ to }: { to: number }) {
  const seconds = useNow((now) => Math.max(0, Math.ceil((to - now) / 1000)));
  return <span className={styles.count}>{seconds > 0 ? `Next try in ${seconds} s.` : "Connecting …"}</span>;
}
