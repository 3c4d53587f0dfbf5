import { useIdentity } from "../stores/identity";
import { Ticks } from "../ui/Ticks";
import styles from "./ConnectionBanner.module.css";

/** What the forge's administrators tell everybody. */
export function AnnouncementBanner() {
  const announcement = useIdentity((state) => state.me?.announcement);
  if (!announcement) return null;
  return (
    <div className={styles.banner} role="status" aria-label="Announcement">
      <span>
        <Ticks text={announcement} />
      </span>
    </div>
  );
}
