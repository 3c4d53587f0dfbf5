import { Inbox, type LucideIcon, Settings2, SquareTerminal } from "lucide-react";

export interface Place {
  path: string;
  label: string;
  icon: LucideIcon;
  keys: string;
}

/** The pages of this release; a place without a page is not shown. */
export const PLACES: readonly Place[] = [
  { path: "/sessions", label: "Sessions", icon: SquareTerminal, keys: "g s" },
  { path: "/inbox", label: "Inbox", icon: Inbox, keys: "g i" },
  { path: "/settings", label: "Settings", icon: Settings2, keys: "g ," },
];
