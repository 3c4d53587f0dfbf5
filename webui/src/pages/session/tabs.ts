import type { Tab } from "../../ui/Tabs";

export type TabId = "chat" | "diffs" | "terminal" | "code" | "files" | "logs" | "details";

const DETAILS: Tab<TabId> = { id: "details", label: "Details" };

/** The views there are. What the inspector shows is one of them where there is no room beside. `changed`: how many files, when known. */
export function tabsFor(wide: boolean, changed: number | undefined): readonly Tab<TabId>[] {
  const tabs: readonly Tab<TabId>[] = [
    { id: "chat", label: "Chat" },
    { id: "diffs", label: "Diffs", ...(changed ? { count: changed } : {}) },
    { id: "terminal", label: "Terminal" },
    { id: "code", label: "Code" },
    { id: "files", label: "Files" },
    { id: "logs", label: "Logs" },
  ];
  return wide ? tabs : [...tabs, DETAILS];
}
