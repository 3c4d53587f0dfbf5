import { type RefObject, useEffect, useRef, useState } from "react";

const TWICE_MS = 900;
const CHORD_MS = 1_200;
const ANSWERS = new Set(["y", "s", "a", "n", "e"]);

interface Keys {
  /** Whether a turn runs that Esc Esc could interrupt. */
  running: boolean;
  onInterrupt: () => void;
  onJump: () => void;
}

/** y s a n answer the question in view, e changes it, g p goes to it, Esc Esc interrupts. True after the first Esc. */
export function useChatKeys(root: RefObject<HTMLElement | null>, keys: Keys): boolean {
  const latest = useRef(keys);
  latest.current = keys;
  const [armed, setArmed] = useState(false);
  useEffect(() => {
    let escAt = 0;
    let gAt = 0;
    let timer = 0;
    const disarm = (): void => {
      window.clearTimeout(timer);
      escAt = 0;
      setArmed(false);
    };
    const escape = (): void => {
      if (!latest.current.running) return;
      if (Date.now() - escAt < TWICE_MS) {
        disarm();
        latest.current.onInterrupt();
        return;
      }
      escAt = Date.now();
      setArmed(true);
      timer = window.setTimeout(disarm, TWICE_MS);
    };
    const onKey = (event: KeyboardEvent): void => {
      const chat = root.current;
      if (!chat || isHidden(chat) || event.defaultPrevented || event.isComposing) return;
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
      if (event.key === "Escape") return escape();
      if (writes(event.target)) return;
      if (event.key === "p" && Date.now() - gAt < CHORD_MS) {
        event.preventDefault();
        gAt = 0;
        return latest.current.onJump();
      }
      // "g" begins a chord: the letter behind it is no answer.
      const chord = Date.now() - gAt < CHORD_MS;
      gAt = event.key === "g" ? Date.now() : 0;
      if (!chord && !event.repeat && ANSWERS.has(event.key) && answer(chat, event.key)) event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => {
      window.removeEventListener("keydown", onKey);
      window.clearTimeout(timer);
    };
  }, [root]);
  return armed;
}

/** Bring the first open question into view and give it the keyboard. */
export function jumpToQuestion(root: HTMLElement | null): void {
  const card = root?.querySelector<HTMLElement>("[data-permission]");
  card?.scrollIntoView({ block: "center" });
  card?.focus({ preventScroll: true });
}

/** Press the button for this key. A question that cannot be seen is shown first: nobody allows what they did not read. */
function answer(chat: HTMLElement, key: string): boolean {
  const focused = document.activeElement?.closest<HTMLElement>("[data-permission]") ?? null;
  const card = focused ?? chat.querySelector<HTMLElement>("[data-permission]");
  if (!card) return false;
  const button = card.querySelector<HTMLButtonElement>(`[data-answer="${key}"]`);
  if (!inView(card, chat)) jumpToQuestion(chat);
  else if (button && !button.disabled) button.click();
  else return false;
  return true;
}

function inView(card: HTMLElement, chat: HTMLElement): boolean {
  const view = chat.getBoundingClientRect();
  const place = card.getBoundingClientRect();
  const actions = card.querySelector("[data-answer]")?.getBoundingClientRect() ?? place;
  return place.bottom > view.top && actions.bottom <= view.bottom + 1 && actions.top >= view.top;
}

/** In a tab that is not shown, keys are not meant for this chat. */
function isHidden(chat: HTMLElement): boolean {
  return typeof chat.checkVisibility === "function" && !chat.checkVisibility();
}

function writes(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}
