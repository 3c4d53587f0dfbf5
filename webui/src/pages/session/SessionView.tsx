import { Suspense, lazy } from "react";
import { useLocation } from "wouter";
import type { Session } from "../../api/types";
import { addToDraft } from "../../chat/composer/useDraft";
import { changesOf, useChanges, useFollowChanges } from "../../stores/changes";
import { usePreferences } from "../../stores/preferences";
import { WIDE, useMedia } from "../../ui/useMedia";
import { ChatTab } from "./ChatTab";
import { Inspector } from "./Inspector";
import { Logs } from "./Logs";
import { SessionHeader } from "./SessionHeader";
import styles from "./SessionView.module.css";
import { type TabId, tabsFor } from "./tabs";

// Each of these is fetched when it is opened first: the list and the chat should not wait for an editor.
const DiffsTab = lazy(() => import("./changes/DiffsTab"));
const TerminalTab = lazy(() => import("./terminal/TerminalTab"));
const FilesTab = lazy(() => import("./files/FilesTab"));
const CodeTab = lazy(() => import("./code/CodeTab"));

/** One session: its header, one of its views, and beside it what else is known. */
export function SessionView({ session, tab }: { session: Session; tab: string | undefined }) {
  const wide = useMedia(WIDE);
  const inspectorOpen = usePreferences((state) => state.inspectorOpen);
  const [, go] = useLocation();
  useFollowChanges(session);
  const changed = useChanges((state) => changesOf(session.id)(state).report?.files.length);
  const tabs = tabsFor(wide, session.status === "running" ? changed : undefined);
  const current = tabs.find((each) => each.id === tab)?.id ?? "chat";
  const show = (id: TabId) => go(`/sessions/${session.id}${id === "chat" ? "" : `/${id}`}`, { replace: true });
  const ask = (words: string) => {
    addToDraft(session.id, words);
    show("chat");
  };
  return (
    <div className={styles.view}>
      <div className={styles.main}>
        <SessionHeader session={session} tabs={tabs} current={current} onTab={show} wide={wide} />
        <div className={styles.tab} role="tabpanel">
          <Suspense fallback={null}>
            {current === "chat" && <ChatTab session={session} showLogs={() => show("logs")} />}
            {current === "diffs" && <DiffsTab session={session} onAsk={ask} />}
            {current === "terminal" && <TerminalTab session={session} />}
            {current === "code" && <CodeTab session={session} />}
            {current === "files" && <FilesTab session={session} />}
            {current === "logs" && <Logs session={session} />}
            {current === "details" && <Inspector session={session} />}
          </Suspense>
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
