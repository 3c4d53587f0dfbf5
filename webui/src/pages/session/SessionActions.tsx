import { Archive, ArchiveRestore, Copy, Ellipsis, GitFork, Pencil, Play, Square, Trash2 } from "lucide-react";
import { useLocation } from "wouter";
import type { Session } from "../../api/types";
import { useLayers } from "../../stores/layers";
import { forkName } from "../../stores/names";
import { useSessions } from "../../stores/sessions";
import { tell, tellProblem } from "../../stores/toasts";
import { type Step, VERB_WORDS, act, verbsOf } from "../../stores/verbs";
import { Button } from "../../ui/Button";
import { Menu, type MenuItem } from "../../ui/Menu";

const ICONS: Record<Step, React.ReactNode> = { start: <Play />, stop: <Square />, archive: <Archive />, restore: <ArchiveRestore /> };

/** The one thing one is most likely to want, and the rest behind it. */
export function SessionActions({ session }: { session: Session }) {
  const [, go] = useLocation();
  const busy = useSessions((state) => state.busy.get(session.id));
  const again = session.status === "failed";
  // A failed session's view has the cause and "Retry" side by side; here it is one of the others.
  const verbs = verbsOf(session);
  const first = again ? undefined : verbs[0];
  const others = again ? verbs : verbs.slice(1);
  const { askDelete, rename } = useLayers.getState();
  const items: (MenuItem | "line")[] = [
    ...others.map((verb): MenuItem => ({ label: again && verb === "start" ? "Retry" : VERB_WORDS[verb], icon: ICONS[verb], disabled: busy !== undefined, run: () => act(session.id, verb) })),
    { label: "Rename", icon: <Pencil />, run: () => rename(session.id) },
    { label: "Fork", icon: <GitFork />, disabled: !session.workspace, run: () => void fork(session).then((made) => go(`/sessions/${made.id}`), tellProblem) },
    { label: "Copy workspace path", icon: <Copy />, disabled: !session.workspace, run: () => copy(session.workspace) },
    "line",
    { label: "Delete …", icon: <Trash2 />, danger: true, run: () => askDelete(session.id) },
  ];
  return (
    <>
      {first && (
        <Button icon={ICONS[first]} busy={busy === first} onClick={() => act(session.id, first)}>
          {VERB_WORDS[first]}
        </Button>
      )}
      <Menu label="More actions" icon={<Ellipsis />} items={items} />
    </>
  );
}

/** A second session in the same folder that begins with this conversation. */
function fork({ id, name }: Session): Promise<Session> {
  const taken = new Set([...useSessions.getState().byId.values()].map((other) => other.name));
  return useSessions.getState().fork(id, forkName(name, taken));
}

function copy(text: string): void {
  navigator.clipboard.writeText(text).then(() => tell("Copied."), tellProblem);
}
