import { Play, Plus } from "lucide-react";
import { useLayers } from "../../stores/layers";
import { useSystem } from "../../stores/system";
import { Button } from "../../ui/Button";
import { Logo } from "../../ui/Logo";
import { Machine } from "./Machine";
import styles from "./WelcomePage.module.css";
import { useDemo } from "./useDemo";

/** No session yet: what was found here, and two ways to begin. */
export function WelcomePage() {
  const agents = useSystem((state) => state.system?.agents);
  const demo = useDemo();
  const real = agents?.some((agent) => agent.available && agent.name !== "demo") ?? false;
  return (
    <main className={styles.page}>
      <div className={styles.box}>
        <span className={styles.logo}>
          <Logo />
        </span>
        <h1 className={styles.title}>The forge is lit</h1>
        <p className={styles.lead}>A session is one coding agent at work on one folder or repository. This is what is on this machine:</p>
        <Machine />
        <div className={styles.actions}>
          <Button look={real ? "primary" : "plain"} icon={<Plus />} onClick={() => useLayers.getState().open("new")}>
            New session
          </Button>
          <Button look={real || agents === undefined ? "plain" : "primary"} icon={<Play />} busy={demo.busy} onClick={() => void demo.start()}>
            Try the demo
          </Button>
        </div>
        <p className={styles.note}>The demo agent needs no account and no network. It really writes files and runs commands, in an empty folder made for it, and asks before it does.</p>
      </div>
    </main>
  );
}
