import type { Action } from "./actions";

const CHOICES = { model: "Choose the model", mode: "Choose the permission mode", thinking: "Choose how much it thinks" } as const;

/** What the chat on the page offers now: its own buttons, by name. */
export function chatActions(): Action[] {
  const choices = Object.entries(CHOICES).map(([name, label]) => ({ label: `${label} …`, at: `[data-choice="${name}"]` }));
  const others = [
    { label: "Attach files …", at: "[data-attach]" },
    { label: "Interrupt the agent", at: "[data-interrupt]" },
  ];
  return [...choices, ...others].flatMap(({ label, at }): Action[] => {
    const button = document.querySelector<HTMLButtonElement>(at);
    if (!button || button.disabled) return [];
    // After the palette has closed and given the keyboard back.
    return [{ id: `chat ${at}`, label, group: "Session", run: () => window.setTimeout(() => document.querySelector<HTMLButtonElement>(at)?.click(), 30) }];
  });
}
