import { useMemo, useState } from "react";
import type { Pending, Verdict } from "../../ports/permissions";
import { keyOf, usePending } from "../../stores/pending";
import { tell } from "../../stores/toasts";
import { isQuestion } from "./answers";
import styles from "./Pending.module.css";
import { PendingItem } from "./PendingItem";
import { Selection } from "./Selection";
import { useInboxKeys } from "./useInboxKeys";

/** Everything that agents wait for, oldest first; answered here one by one or all at once. */
export function PendingList({ items }: { items: readonly Pending[] }) {
  const answering = usePending((state) => state.answering);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [open, setOpen] = useState("");
  const [denying, setDenying] = useState(false);
  const able = useMemo(() => items.filter((item) => !isQuestion(item)), [items]);
  const selected = able.filter((item) => chosen.has(keyOf(item)));
  const meant = (focused: string): readonly Pending[] => (selected.length > 0 ? selected : able.filter((item) => keyOf(item) === focused));
  const decide = async (given: readonly Pending[], verdict: Verdict) => {
    setDenying(false);
    if (given.length === 0) return;
    setChosen(new Set());
    const taken = await usePending.getState().decide(given, verdict);
    if (given.length > 1) tell(`${taken} of ${given.length} ${verdict.decision === "allow" ? "allowed" : "denied"}.`);
  };
  const toggle = (key: string) => {
    const next = new Set(chosen);
    if (!next.delete(key)) next.add(key);
    setChosen(next);
  };
  const deny = (given: readonly Pending[]) => {
    if (given.length === 0) return;
    setChosen(new Set(given.map(keyOf)));
    setDenying(true);
  };
  const every = () => setChosen(selected.length === able.length ? new Set() : new Set(able.map(keyOf)));
  useInboxKeys({
    allow: (scope, focused) => void decide(meant(focused).filter((item) => item.scopes.includes(scope)), { decision: "allow", scope, message: "" }),
    deny: (focused) => deny(meant(focused)),
    select: (focused) => able.some((item) => keyOf(item) === focused) && toggle(focused),
    all: every,
  });
  return (
    <section aria-label="Waiting for you">
      <Selection items={selected} all={selected.length === able.length} most={able.length} denying={denying} onDeny={setDenying} onAll={every} onDecide={(verdict) => void decide(selected, verdict)} />
      <ul className={styles.list}>
        {items.map((item) => {
          const key = keyOf(item);
          return (
            <PendingItem
              key={key}
              item={item}
              selected={chosen.has(key)}
              open={open === key}
              answering={answering.get(key)}
              onSelect={() => toggle(key)}
              onOpen={() => setOpen(open === key ? "" : key)}
              onDecide={(verdict) => void decide([item], verdict)}
              onDeny={() => deny([item])}
            />
          );
        })}
      </ul>
    </section>
  );
}
