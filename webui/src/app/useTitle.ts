import { useEffect } from "react";
import { useLocation, useRoute } from "wouter";
import { useSessions } from "../stores/sessions";
import { PLACES } from "./places";
import { useWaitingCount } from "./useWaiting";

/** Title and icon of the tab: what one looks at, and that something waits. */
export function useTitle(): void {
  const count = useWaitingCount();
  const [location] = useLocation();
  const [, params] = useRoute("/sessions/:id/:tab?");
  const name = useSessions((state) => (params ? state.byId.get(params.id)?.name : undefined));
  const here = name ?? PLACES.find((place) => location.startsWith(place.path))?.label ?? "";
  useEffect(() => {
    document.title = `${count > 0 ? `(${count}) ` : ""}${here ? `${here} · ` : ""}Volundr`;
  }, [count, here]);
  const waits = count > 0;
  useEffect(() => {
    const icon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
    if (icon) icon.href = waits ? "/favicon-waiting.svg" : "/favicon.svg";
  }, [waits]);
}
