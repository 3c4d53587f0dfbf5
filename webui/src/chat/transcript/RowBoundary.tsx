import { Component, type ReactNode } from "react";
import styles from "./Transcript.module.css";

interface RowBoundaryProps {
  children: ReactNode;
}

/** One row that cannot be drawn must not take the conversation with it. */
export class RowBoundary extends Component<RowBoundaryProps, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return <p className={styles.broken}>This part cannot be shown. The session's log has it in full.</p>;
  }
}
