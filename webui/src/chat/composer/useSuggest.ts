import { type KeyboardEvent, type RefObject, useEffect, useMemo, useState } from "react";
import { useChat } from "../context";
import { commandsFor, insert, type Token, tokenAt } from "../core/suggest";
import { useChatState } from "../useChatState";

const TYPING_MS = 120;

export interface Suggestion {
  /** What stands in the text afterwards. */
  value: string;
  label: string;
  /** What may follow it. */
  takes: string;
  note: string;
  kind: "command" | "skill" | "file";
}

export interface Suggest {
  items: readonly Suggestion[];
  at: number;
  point(at: number): void;
  take(at: number): void;
  /** True when the list took the key. */
  key(event: KeyboardEvent): boolean;
  /** The caret moved. */
  look(): void;
}

/** The list that a "/" at the beginning or an "@" opens over the composer. */
export function useSuggest(field: RefObject<HTMLTextAreaElement | null>, text: string, setText: (text: string) => void): Suggest {
  const commands = useChatState((state) => state.view.offers.commands);
  const [token, setToken] = useState<Token | null>(null);
  const [shut, setShut] = useState("");
  const [at, setAt] = useState(0);
  const files = useFiles(token);
  const items = useMemo((): readonly Suggestion[] => {
    if (token === null || shut === text) return [];
    if (token.kind === "file") return files.map((path) => ({ value: `@${path}`, label: path, takes: "", note: "", kind: "file" }));
    return commandsFor(commands, token.query).map(({ name, description, takes, kind }) => ({ value: `/${name}`, label: `/${name}`, takes, note: description, kind }));
  }, [token, shut, text, files, commands]);
  const look = (): void => {
    const box = field.current;
    const next = box && box.selectionStart === box.selectionEnd ? tokenAt(box.value, box.selectionStart) : null;
    if (next?.kind !== token?.kind || next?.query !== token?.query || next?.from !== token?.from) {
      setToken(next);
      setAt(0);
    }
  };
  const take = (index: number): void => {
    const item = items[index];
    if (!item || token === null) return;
    const next = insert(text, token, item.value);
    setText(next.text);
    setToken(null);
    // After React wrote the text: the caret belongs behind what was put in.
    window.requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(next.caret, next.caret);
    });
  };
  const key = (event: KeyboardEvent): boolean => {
    if (items.length === 0 || event.nativeEvent.isComposing || event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") setAt((at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length);
    else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") {
      // A command typed in full is meant to be sent, not to be completed.
      if (event.key === "Enter" && items[at]?.value === text.trim()) return false;
      take(at);
    } else if (event.key === "Escape") setShut(text);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  };
  return { items, at: Math.min(at, Math.max(0, items.length - 1)), point: setAt, take, key, look };
}

function useFiles(token: Token | null): readonly string[] {
  const { port, session } = useChat();
  const [found, setFound] = useState<readonly string[]>([]);
  const query = token?.kind === "file" ? token.query : null;
  useEffect(() => {
    if (query === null || query === "") return setFound([]);
    let here = true;
    const timer = window.setTimeout(() => {
      void port.findFiles(session, query).then((paths) => {
        if (here) setFound(paths);
      });
    }, TYPING_MS);
    return () => {
      here = false;
      window.clearTimeout(timer);
    };
  }, [port, session, query]);
  return found;
}
