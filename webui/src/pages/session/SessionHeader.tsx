import { ArrowLeft, PanelRight } from "lucide-react";
import { useEffect, useRef } from "react";
import { Link } from "wouter";
import type { Session } from "../../api/types";
import { usePreferences } from "../../stores/preferences";
import { IconButton } from "../../ui/IconButton";
import { type Tab, Tabs } from "../../ui/Tabs";
import { cost, model, sourceName } from "../../ui/words";
import { SessionActions } from "./SessionActions";
import styles from "./SessionHeader.module.css";
import { SessionName } from "./SessionName";
import { SessionState } from "./SessionState";
import type { TabId } from "./tabs";

interface SessionHeaderProps {
  session: Session;
  tabs: readonly Tab<TabId>[];
  current: TabId;
  wide: boolean;
  onTab(id: TabId): void;
}

/** One line: name, state, where, who; what can be done at the right. Below it the views. */
export function SessionHeader({ session, tabs, current, wide, onTab }: SessionHeaderProps) {
  const { inspectorOpen, set } = usePreferences();
  const used = model(session);
  const known = cost(session);
  const strip = useRef<HTMLDivElement>(null);
  // On a phone there are more views than fit: the open one is always in sight.
  useEffect(() => void strip.current?.querySelector("[aria-selected=true]")?.scrollIntoView?.({ block: "nearest", inline: "nearest" }), [current]);
  return (
    <header className={styles.header}>
      <div className={styles.line}>
        {!wide && (
          <Link href="/sessions" className={styles.back} aria-label="All sessions">
            <ArrowLeft />
          </Link>
        )}
        <SessionName session={session} />
        <span className={styles.state}>
          <SessionState session={session} />
        </span>
        <div className={styles.facts}>
          <span className={styles.fact}>
            {sourceName(session.source)}
            {session.branch && (
              <>
                <span className={styles.arrow}> → </span>
                {session.branch}
              </>
            )}
          </span>
          <span className={styles.who}>{used.startsWith(session.agent) ? used : [session.agent, used].filter(Boolean).join(" · ")}</span>
          <span className={styles.cost}>{known === "unknown" ? "cost unknown" : known}</span>
        </div>
        <div className={styles.actions}>
          <SessionActions session={session} />
          {wide && (
            <IconButton
              label={inspectorOpen ? "Hide details" : "Show details"}
              keys={"\\"}
              icon={<PanelRight />}
              pressed={inspectorOpen}
              onClick={() => set({ inspectorOpen: !inspectorOpen })}
            />
          )}
        </div>
      </div>
      <div ref={strip} className={styles.tabs}>
        <Tabs label="Views of the session" tabs={tabs} current={current} onChange={onTab} />
      </div>
    </header>
  );
}
