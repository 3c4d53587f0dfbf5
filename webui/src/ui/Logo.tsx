import styles from "./Logo.module.css";

/** The mark: an anvil's V, and the one warm light over it. */
export function Logo() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden className={styles.logo}>
      <path d="M3 7h4.400L12 17.200 16.600 7H21L14 21h-4z" className={styles.iron} />
      <circle cx="12" cy="5.500" r="2" className={styles.spark} />
    </svg>
  );
}
