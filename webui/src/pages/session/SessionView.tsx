import { useLocation } from "wouter";
import type { Session } from "../../api/types";
import { usePreferences } from "../../stores/preferences";
import { WIDE, useMedia } from "../../ui/useMedia";
import { ChatTab } from "./ChatTab";
import { Inspector } from "./Inspector";
import { Logs } from "./Logs";
import { SessionHeader } from "./SessionHeader";
import styles from "./SessionView.module.css";
import { type TabId, tabsFor } from "./tabs";

/** One session: its header, one of its views, and beside it what else is known. */
export function SessionView({ session, tab }: { session: Session; tab: string | undefined }) {
  const wide = useMedia(WIDE);
  const inspectorOpen = usePreferences((state) => state.inspectorOpen);
  const [, go] = useLocation();
  const tabs = tabsFor(wide);
  const current = tabs.find((each) => each.id === tab)?.id ?? "chat";
  const show = (id: TabId) => go(`/sessions/${session.id}${id === "chat" ? "" : `/${id}`}`, { replace: true });
  return (
    <div className={styles.view}>
      <div className={styles.main}>
        <SessionHeader session={session} tabs={tabs} current={current} onTab={show} wide={wide} />
        <div className={styles.tab} role="tabpanel">
          {current === "chat" && <ChatTab session={session} showLogs={() => show("logs")} />}
          {current === "logs" && <Logs session={session} />}
          {current === "details" && <Inspector session={session} />}
        </div>
      </div>
      {wide && inspectorOpen && (
        <aside className={styles.inspector} aria-label="Details">
          <Inspector session={session} />
        </aside>
      )}
    </div>
  );
}
