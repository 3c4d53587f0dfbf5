import { useLocation } from "wouter";
import { Dialog } from "../ui/Dialog";
import { Kbd } from "../ui/Kbd";
import styles from "./HelpOverlay.module.css";
import { actionsFor } from "./actions";

const MORE: readonly (readonly [string, readonly string[]])[] = [
  ["Find anything, do anything", ["mod+k"]],
  ["Next, previous session in the list", ["j", "k"]],
  ["Open it", ["enter"]],
  ["Filter the list", ["/"]],
  ["Close what lies over the page", ["esc"]],
];

const ANSWERS: readonly (readonly [string, readonly string[]])[] = [
  ["Allow once", ["y"]],
  ["Allow for the session", ["s"]],
  ["Allow always", ["a"]],
  ["Deny", ["n"]],
  ["Change it first", ["e"]],
  ["Select in the inbox, select all", ["x", "*"]],
];

const DIFFS: readonly (readonly [string, readonly string[]])[] = [
  ["Next, previous file", ["j", "k"]],
  ["Next, previous change", ["n", "p"]],
  ["Ask the agent about it", ["a"]],
  ["Viewed", ["v"]],
  ["Open, close the file", ["o"]],
];

const FILES: readonly (readonly [string, readonly string[]])[] = [
  ["Save", ["mod+s"]],
  ["Leave the editor", ["esc", "Tab"]],
  ["Leave the terminal", ["Ctrl+F6"]],
];

export function HelpOverlay({ onClose }: { onClose: () => void }) {
  const [, go] = useLocation();
  const actions = actionsFor(undefined, go).flatMap((action) => (action.keys ? [[action.label, [action.keys]] as const] : []));
  return (
    <Dialog title="Keyboard" wide onClose={onClose}>
      <div className={styles.columns}>
        <Keys title="Anywhere" rows={[...MORE, ...actions]} />
        <div>
          <Keys title="When the agent asks" rows={ANSWERS} />
          <Keys title="In the diffs" rows={DIFFS} />
          <Keys title="In files and terminals" rows={FILES} />
        </div>
      </div>
    </Dialog>
  );
}

function Keys({ title, rows }: { title: string; rows: readonly (readonly [string, readonly string[]])[] }) {
  return (
    <section>
      <h3 className={styles.title}>{title}</h3>
      <dl className={styles.rows}>
        {rows.map(([label, keys]) => (
          <div key={label} className={styles.row}>
            <dt>{label}</dt>
            <dd className={styles.keys}>
              {keys.map((each) => (
                <Kbd key={each} keys={each} />
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
