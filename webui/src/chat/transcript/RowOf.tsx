import { memo, type ReactNode } from "react";
import { PermissionCard } from "../permission/PermissionCard";
import { ToolLine } from "../tools/ToolLine";
import { ToolRun } from "../tools/ToolRun";
import type { Row } from "../tools/fold";
import { AgentText } from "./AgentText";
import { NoticeLine } from "./NoticeLine";
import { Thinking } from "./Thinking";
import { TurnEnd } from "./TurnEnd";
import { UserWords } from "./UserWords";

export const RowOf = memo(Choose);

function Choose({ row, small = false }: { row: Row; small?: boolean }): ReactNode {
  switch (row.type) {
    case "message":
      return <UserWords message={row} />;
    case "block":
      return row.kind === "thinking" ? <Thinking block={row} /> : <AgentText block={row} small={small} />;
    case "tool":
      return <ToolLine tool={row} />;
    case "run":
      return <ToolRun run={row} />;
    case "permission":
      return <PermissionCard permission={row} />;
    case "notice":
      return <NoticeLine notice={row} />;
    case "turn":
      return <TurnEnd turn={row} />;
  }
}
