import { Bot, FilePen, FileText, Globe, ListTodo, Search, SquareTerminal, Trash2, Wrench } from "lucide-react";
import type { ReactNode } from "react";
import type { ToolKind } from "../core/frames";

const ICONS = {
  read: FileText,
  edit: FilePen,
  delete: Trash2,
  search: Search,
  execute: SquareTerminal,
  fetch: Globe,
  think: ListTodo,
  agent: Bot,
  other: Wrench,
} as const;

export function ToolIcon({ kind }: { kind: ToolKind }): ReactNode {
  const Icon = ICONS[kind] ?? Wrench;
  return <Icon aria-hidden />;
}
