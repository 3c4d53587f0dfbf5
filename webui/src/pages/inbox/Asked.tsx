import { asks, cardTitle, WhatWillHappen } from "../../chat/asked";
import type { Pending } from "../../ports/permissions";

/** What will happen, drawn as the session's own page draws it. Loaded apart: the inbox is there at once. */
export default function Asked({ item }: { item: Pending }) {
  const { tool, title, input } = item;
  if (asks(input)) return null;
  return <WhatWillHappen permission={{ tool, title: title || cardTitle(item), input }} />;
}
