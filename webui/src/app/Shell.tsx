import { useEffect } from "react";
import { Redirect, Route, Switch } from "wouter";
import { InboxPage } from "../pages/inbox/InboxPage";
import { SessionsPage } from "../pages/sessions/SessionsPage";
import { SettingsPage } from "../pages/settings/SettingsPage";
import { useSessions } from "../stores/sessions";
import { useSystem } from "../stores/system";
import { NARROW, useMedia } from "../ui/useMedia";
import { BottomBar } from "./BottomBar";
import { AnnouncementBanner } from "./AnnouncementBanner";
import { ConnectionBanner } from "./ConnectionBanner";
import { Layers } from "./Layers";
import { Rail } from "./Rail";
import styles from "./Shell.module.css";
import { Toasts } from "./Toasts";
import { useShortcuts } from "./useShortcuts";
import { useTitle } from "./useTitle";

/** The frame that stays while pages change. */
export function Shell() {
  const narrow = useMedia(NARROW);
  useEffect(() => useSessions.getState().watch(), []);
  useEffect(() => void useSystem.getState().load(), []);
  useShortcuts();
  useTitle();
  return (
    <div className={styles.shell}>
      <ConnectionBanner />
      <AnnouncementBanner />
      <div className={styles.row}>
        {!narrow && <Rail />}
        <Switch>
          <Route path="/sessions/:id?/:tab?">{({ id, tab }) => <SessionsPage id={id} tab={tab} />}</Route>
          <Route path="/inbox" component={InboxPage} />
          <Route path="/settings" component={SettingsPage} />
          <Route>
            <Redirect to="/sessions" replace />
          </Route>
        </Switch>
      </div>
      {narrow && <BottomBar />}
      <Layers />
      <Toasts />
    </div>
  );
}
