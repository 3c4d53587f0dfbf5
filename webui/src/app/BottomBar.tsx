import { Command } from "lucide-react";
import { Link, useLocation, useRoute } from "wouter";
import { useLayers } from "../stores/layers";
import { classes } from "../ui/classes";
import styles from "./BottomBar.module.css";
import { PLACES } from "./places";
import { useWaitingCount } from "./useWaiting";

/** The rail of a phone. An open session has the whole screen, so that the composer sits on the keyboard. */
export function BottomBar() {
  const [location] = useLocation();
  const [inSession] = useRoute("/sessions/:id/:tab?");
  const count = useWaitingCount();
  if (inSession) return null;
  return (
    <nav className={styles.bar} aria-label="Volundr">
      {PLACES.map(({ path, label, icon: Icon }) => {
        const here = location.startsWith(path);
        const waits = path === "/inbox" && count > 0;
        return (
          <Link key={path} href={path} aria-current={here ? "page" : undefined} className={classes(styles.place, here && styles.here)}>
            <span className={styles.icon}>
              <Icon />
              {waits && <span className={styles.count}>{count}</span>}
            </span>
            {label}
            {waits && <span className="visually-hidden">: {count} waiting for you</span>}
          </Link>
        );
      })}
      <button type="button" className={styles.place} onClick={() => useLayers.getState().open("palette")}>
        <Command />
        Commands
      </button>
    </nav>
  );
}
