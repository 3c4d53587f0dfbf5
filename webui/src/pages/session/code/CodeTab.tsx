import { CodeXml, ExternalLink } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { type Problem, asProblem } from "../../../api/problem";
import type { Session } from "../../../api/types";
import { ports } from "../../../ports";
import type { CodeState } from "../../../ports/workspace";
import { Button } from "../../../ui/Button";
import { Empty } from "../../../ui/Empty";
import { WhileRunning } from "../WhileRunning";
import styles from "./CodeTab.module.css";

/** The way to VS Code in the browser, in a window of its own. */
export default function CodeTab({ session }: { session: Session }) {
  return (
    <WhileRunning session={session} what="Its editor" icon={<CodeXml />}>
      <Code id={session.id} />
    </WhileRunning>
  );
}

function Code({ id }: { id: string }) {
  const [state, setState] = useState<CodeState>();
  const [problem, setProblem] = useState<Problem>();
  const ask = useCallback(async () => {
    setProblem(undefined);
    try {
      setState(await ports().workspace.code(id));
    } catch (error) {
      setProblem(asProblem(error));
    }
  }, [id]);
  useEffect(() => void ask(), [ask]);
  const again = <Button onClick={() => void ask()}>Look again</Button>;
  if (problem) {
    return (
      <Empty icon={<CodeXml />} title={problem.detail} action={again}>
        {problem.hint}
      </Empty>
    );
  }
  if (!state) return null;
  if (!state.available) {
    return (
      <Empty icon={<CodeXml />} title={state.problem || "There is no code-server on this machine."} action={again}>
        {state.hint}
      </Empty>
    );
  }
  const link = (
    <a className={styles.open} href={ports().workspace.codeAddress(id)} target="_blank" rel="noreferrer">
      <ExternalLink aria-hidden />
      Open code-server
    </a>
  );
  return (
    <Empty icon={<CodeXml />} title="The session's workspace in VS Code" action={link}>
      {state.running ? "code-server runs. It opens in a window of its own." : "code-server starts when it is opened, in a window of its own; the first time takes a few seconds."}
    </Empty>
  );
}
