import type { Tab } from "../../ui/Tabs";

export type TabId = "chat" | "logs" | "details";

const CHAT: Tab<TabId> = { id: "chat", label: "Chat" };
const LOGS: Tab<TabId> = { id: "logs", label: "Logs" };
const DETAILS: Tab<TabId> = { id: "details", label: "Details" };

/** The views there are. What the inspector shows is one of them where there is no room beside. */
export function tabsFor(wide: boolean): readonly Tab<TabId>[] {
  return wide ? [CHAT, LOGS] : [CHAT, LOGS, DETAILS];
}
