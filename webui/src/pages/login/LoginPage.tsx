import { useEffect, useState } from "react";
import { useLocation } from "wouter";
import { type Problem, asProblem } from "../../api/problem";
import { useIdentity } from "../../stores/identity";
import { Button } from "../../ui/Button";
import { Logo } from "../../ui/Logo";
import styles from "./LoginPage.module.css";

/** Signs in with the code behind `#` in the link, which never leaves the browser otherwise. Without one it says where to get it. */
export function LoginPage() {
  const [, go] = useLocation();
  const [code] = useState(() => location.hash.slice(1));
  const [problem, setProblem] = useState<Problem>();
  const [busy, setBusy] = useState(code !== "");
  useEffect(() => {
    if (!code) return;
    // The code is spent with this: it has no business in the history.
    history.replaceState(null, "", "/login");
    void enter();
    async function enter(): Promise<void> {
      try {
        await useIdentity.getState().login(code);
        go("/sessions", { replace: true });
      } catch (error) {
        setProblem(asProblem(error));
        setBusy(false);
      }
    }
  }, [code, go]);
  const again = async () => {
    await useIdentity.getState().load();
    if (useIdentity.getState().me) go("/sessions", { replace: true });
  };
  return (
    <main className={styles.page}>
      <div className={styles.box}>
        <Logo />
        {busy ? (
          <h1 className={styles.title}>Signing in …</h1>
        ) : (
          <>
            <h1 className={styles.title}>{problem ? "That did not work" : "Sign in to this forge"}</h1>
            {problem && (
              <p role="alert" className={styles.problem}>
                {problem.detail} {problem.hint}
              </p>
            )}
            <p className={styles.text}>
              There is no password. A link signs this browser in; it works once, for ten minutes. On the forge's machine, run
            </p>
            <pre className={styles.command}>volundr open</pre>
            <p className={styles.text}>
              It prints a new link, and opens it where there is a browser. If the forge is not running, <code>volundr up</code> starts it and
              does the same.
            </p>
            <Button onClick={() => void again()}>I am signed in now</Button>
          </>
        )}
      </div>
    </main>
  );
}
