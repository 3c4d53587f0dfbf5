import { Fragment } from "react";
import styles from "./Ticks.module.css";

/** Words in which `backticks` mean what is typed literally: a command, a file, a setting. */
export function Ticks({ text }: { text: string }) {
  return text.split(/`([^`\n]+)`/).map((part, at) => (at % 2 === 1 ? <code key={at} className={styles.code}>{part}</code> : <Fragment key={at}>{part}</Fragment>));
}
