/** The six states of the design, and nothing between them. Web, TUI, CLI and notifications use the same words. */
export type StateKind = "waiting" | "working" | "idle" | "moving" | "stopped" | "failed";
