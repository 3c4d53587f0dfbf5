import { create } from "zustand";
import { asProblem } from "../api/problem";

export interface Toast {
  id: number;
  tone: "info" | "error";
  text: string;
  hint: string;
}

interface Toasts {
  toasts: readonly Toast[];
  dismiss(id: number): void;
}

const STAYS_MS = 5000;
let last = 0;

/** Short words about something that just happened and has no other place on the page. */
export const useToasts = create<Toasts>()((set) => ({
  toasts: [],
  dismiss: (id) => set((state) => ({ toasts: state.toasts.filter((toast) => toast.id !== id) })),
}));

/** Say something for a few seconds. */
export function tell(text: string): void {
  const id = add({ tone: "info", text, hint: "" });
  setTimeout(() => useToasts.getState().dismiss(id), STAYS_MS);
}

/** Say what went wrong. It stays until dismissed: nobody reads an error in five seconds. */
export function tellProblem(error: unknown): void {
  const problem = asProblem(error);
  const known = useToasts.getState().toasts.find((toast) => toast.text === problem.detail && toast.hint === problem.hint);
  if (!known) add({ tone: "error", text: problem.detail, hint: problem.hint });
}

function add(toast: Omit<Toast, "id">): number {
  const id = ++last;
  useToasts.setState((state) => ({ toasts: [...state.toasts, { ...toast, id }].slice(-4) }));
  return id;
}
