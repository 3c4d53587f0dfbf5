import { SquareTerminal } from "lucide-react";
import { useLayers } from "../../stores/layers";
import { usePreferences } from "../../stores/preferences";
import { useSessions } from "../../stores/sessions";
import { Button } from "../../ui/Button";
import { Empty } from "../../ui/Empty";
import { Kbd } from "../../ui/Kbd";
import { Split } from "../../ui/Split";
import { WIDE, useMedia } from "../../ui/useMedia";
import { SessionView } from "../session/SessionView";
import { WelcomePage } from "../welcome/WelcomePage";
import { SessionList } from "./SessionList";
import styles from "./SessionsPage.module.css";

/** The list and the open session; one of them where there is no room for both. */
export function SessionsPage({ id, tab }: { id: string | undefined; tab: string | undefined }) {
  const wide = useMedia(WIDE);
  const { listWidth, set } = usePreferences();
  const { byId, loaded, problem, retry } = useSessions();
  const session = id ? byId.get(id) : undefined;
  if (!loaded) {
    return (
      <main className={styles.page}>
        {problem && (
          <Empty title={problem.detail} action={<Button onClick={retry}>Try again</Button>}>
            {problem.hint}
          </Empty>
        )}
      </main>
    );
  }
  if (byId.size === 0) return <WelcomePage />;
  const view = session ? <SessionView key={session.id} session={session} tab={tab} /> : <Nothing gone={id !== undefined} />;
  if (!wide) return <main className={styles.page}>{id ? view : <SessionList current={undefined} />}</main>;
  return (
    <Split label="Width of the list" width={listWidth} min={220} max={520} onWidth={(width) => set({ listWidth: width })} side={<SessionList current={id} />}>
      <main className={styles.page}>{view}</main>
    </Split>
  );
}

function Nothing({ gone }: { gone: boolean }) {
  if (gone) return <Empty title="There is no such session.">It was deleted, or the address is not quite right.</Empty>;
  return (
    <Empty
      icon={<SquareTerminal />}
      title="Pick a session"
      action={<Button onClick={() => useLayers.getState().open("new")}>New session</Button>}
    >
      <Kbd keys="j" /> <Kbd keys="k" /> move through the list, <Kbd keys="enter" /> opens.
    </Empty>
  );
}
