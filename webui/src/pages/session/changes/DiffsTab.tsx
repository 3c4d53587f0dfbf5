import { FileDiff } from "lucide-react";
import type { Session } from "../../../api/types";
import { changesOf, useChanges } from "../../../stores/changes";
import { Button } from "../../../ui/Button";
import { Empty } from "../../../ui/Empty";
import { WhileRunning } from "../WhileRunning";
import { Against } from "./Against";
import { Review } from "./Review";

/** What is changed in the session's workspace. */
export default function DiffsTab({ session, onAsk }: { session: Session; onAsk(words: string): void }) {
  return (
    <WhileRunning session={session} what="Its changes" icon={<FileDiff />}>
      <Diffs id={session.id} onAsk={onAsk} />
    </WhileRunning>
  );
}

function Diffs({ id, onAsk }: { id: string; onAsk(words: string): void }) {
  const known = useChanges(changesOf(id));
  const { refresh, against } = useChanges.getState();
  if (known.report) return <Review session={id} known={known} report={known.report} onAsk={onAsk} />;
  if (!known.problem) return <Empty title="Looking for changes …" />;
  return (
    <Empty icon={<FileDiff />} title={known.problem.detail} action={<><Against session={id} against={known.against} onChange={(ref) => against(id, ref)} /><Button busy={known.busy} onClick={() => void refresh(id)}>Try again</Button></>}>
      {known.problem.hint}
    </Empty>
  );
}
