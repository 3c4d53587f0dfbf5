import { Suspense, lazy } from "react";
import { ChevronRight } from "lucide-react";
import { Link } from "wouter";
import type { Pending } from "../../ports/permissions";
import { type Answering, keyOf } from "../../stores/pending";
import { RelativeTime } from "../../ui/RelativeTime";
import { StateMark } from "../../ui/StateMark";
import { Ticks } from "../../ui/Ticks";
import { Button } from "../../ui/Button";
import { isQuestion, lineOf, rulesOf } from "./answers";
import styles from "./Pending.module.css";
import type { Verdict } from "../../ports/permissions";

const Asked = lazy(() => import("./Asked"));

interface PendingItemProps {
  item: Pending;
  selected: boolean;
  open: boolean;
  answering: Answering | undefined;
  onSelect(): void;
  onOpen(): void;
  onDecide(verdict: Verdict): void;
  onDeny(): void;
}

/** One thing an agent waits for: what, where, since when, and the answers. */
export function PendingItem({ item, selected, open, answering, onSelect, onOpen, onDecide, onDeny }: PendingItemProps) {
  const busy = answering !== undefined && answering.error === "";
  const question = isQuestion(item);
  const line = lineOf(item);
  const allow = (scope: Verdict["scope"]) => onDecide({ decision: "allow", scope, message: "" });
  return (
    <li className={styles.item} data-selected={selected} data-busy={busy}>
      <div className={styles.line}>
        <input type="checkbox" className={styles.check} checked={selected} disabled={question || busy} aria-label={`Select: ${item.title || item.tool}, ${item.session_name}`} onChange={onSelect} />
        <button type="button" data-row data-key={keyOf(item)} className={styles.what} aria-expanded={open} onClick={onOpen}>
          <StateMark kind="waiting" />
          <span className={styles.title} data-code={line.code}>{line.code ? line.text : <Ticks text={line.text} />}</span>
          <ChevronRight aria-hidden className={styles.fold} />
        </button>
        <Link href={`/sessions/${item.session_id}`} className={styles.session}>{item.session_name}</Link>
        <span className={styles.since}><RelativeTime time={item.raised_at} /></span>
        <span className={styles.answers}>
          {question ? (
            <Link href={`/sessions/${item.session_id}`} className={styles.answer}>Answer there</Link>
          ) : (
            <>
              <Button look="primary" disabled={busy} busy={busy && answering.decision === "allow"} onClick={() => allow("once")}>Allow once</Button>
              <Button disabled={busy} busy={busy && answering.decision === "deny"} onClick={onDeny}>Deny …</Button>
            </>
          )}
        </span>
      </div>
      {answering?.error && <p className={styles.error} role="alert">{answering.error}</p>}
      {open && (
        <div className={styles.body}>
          {line.code && item.title !== "" && <p>{item.title}</p>}
          {item.reason !== "" && <p className={styles.reason}>Why it asks: {item.reason}</p>}
          <Suspense fallback={<pre className={styles.plain}>{line.text}</pre>}><Asked item={item} /></Suspense>
          {item.scopes.length > 1 && (
            <div className={styles.wider}>
              {item.scopes.includes("session") && <Button disabled={busy} onClick={() => allow("session")}>For this session</Button>}
              {item.scopes.includes("always") && <Button disabled={busy} onClick={() => allow("always")}>Always</Button>}
              {item.rules.length > 0 && <span className={styles.rule}>would allow <code>{rulesOf(item)}</code></span>}
            </div>
          )}
        </div>
      )}
    </li>
  );
}
