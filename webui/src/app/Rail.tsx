import { Command } from "lucide-react";
import { Link, useLocation } from "wouter";
import { useLayers } from "../stores/layers";
import { IconButton } from "../ui/IconButton";
import { Logo } from "../ui/Logo";
import { Tooltip } from "../ui/Tooltip";
import { classes } from "../ui/classes";
import { WIDE, useMedia } from "../ui/useMedia";
import { FoldedList } from "./FoldedList";
import { PLACES } from "./places";
import styles from "./Rail.module.css";
import { useWaitingCount } from "./useWaiting";

export function Rail() {
  const [location] = useLocation();
  const wide = useMedia(WIDE);
  const count = useWaitingCount();
  return (
    <nav className={styles.rail} aria-label="Volundr">
      <Link href="/sessions" className={styles.logo} aria-label="Volundr: all sessions">
        <Logo />
      </Link>
      {PLACES.map(({ path, label, icon: Icon, keys }) => {
        const here = location.startsWith(path);
        const waits = path === "/inbox" && count > 0;
        const name = waits ? `${label}: ${count} waiting for you` : label;
        return (
          <Tooltip key={path} text={name} keys={keys}>
            <Link href={path} aria-label={name} aria-current={here ? "page" : undefined} className={classes(styles.place, here && styles.here)}>
              <Icon />
              {waits && <span className={styles.count}>{count}</span>}
            </Link>
          </Tooltip>
        );
      })}
      {!wide && <FoldedList />}
      <span className={styles.space} />
      <IconButton label="Commands" keys="mod+k" icon={<Command />} className={styles.command} onClick={() => useLayers.getState().open("palette")} />
    </nav>
  );
}
