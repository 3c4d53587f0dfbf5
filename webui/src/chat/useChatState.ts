import { createContext, useContext } from "react";
import { useStore } from "zustand";
import type { StoreApi } from "zustand/vanilla";
import type { ChatState } from "./core/engine";

export const ChatStoreContext = createContext<StoreApi<ChatState> | null>(null);

/** One part of the chat's state; the component is drawn again only when that part is another. */
export function useChatState<T>(select: (state: ChatState) => T): T {
  const store = useContext(ChatStoreContext);
  if (store === null) throw new Error("This part of a chat was drawn outside of <Chat>.");
  return useStore(store, select);
}
