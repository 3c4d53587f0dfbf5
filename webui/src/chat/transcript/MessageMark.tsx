import { Check, CheckCheck, CircleAlert, Clock, Hourglass } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "../../ui/Button";
import { useChat } from "../context";
import type { MessageEntry } from "../core/view";
import { exactly, moment } from "../format";
import { useChatState } from "../useChatState";
import styles from "./MessageMark.module.css";

const LOOK = {
  sending: { Icon: Clock, word: "not sent yet", title: "It is sent as soon as the session can be reached." },
  rejected: { Icon: CircleAlert, word: "not taken", title: "The session did not take this message." },
  stored: { Icon: Check, word: "stored", title: "Stored; the agent takes it up next." },
  queued: { Icon: Hourglass, word: "queued", title: "Stored; the agent gets it when this turn ends." },
  given: { Icon: Check, word: "with the agent", title: "Handed to the agent." },
  seen: { Icon: CheckCheck, word: "seen", title: "The agent has taken it up." },
} as const;

/** Where a message is on its way: sending, stored, with the agent, seen. */
export function MessageMark({ message }: { message: MessageEntry }): ReactNode {
  const { engine } = useChat();
  const working = useChatState((state) => state.view.turn !== null);
  const { Icon, word, title } = LOOK[message.state];
  // Once the turn is over it is plain that the agent had it.
  const quiet = message.state === "seen" || (message.state === "given" && !working);
  return (
    <div className={styles.mark} data-state={message.state} data-quiet={quiet}>
      {message.by !== "" && message.by !== "local" && <span>{message.by}</span>}
      <time dateTime={message.at} title={exactly(message.at)}>{moment(message.at)}</time>
      {message.edited && <span title="Changed while it waited">edited</span>}
      {message.way === "steered" && <span title="Said in the middle of a turn">steered</span>}
      <span className={styles.state} title={title}>
        <Icon aria-hidden />
        <span>{word}</span>
      </span>
      {message.state === "rejected" && (
        <>
          <span className={styles.error} role="alert">{message.error}</span>
          <Button look="quiet" onClick={() => engine.again(message.id)}>Send again</Button>
          <Button look="quiet" onClick={() => engine.discard(message.id)}>Discard</Button>
        </>
      )}
    </div>
  );
}
