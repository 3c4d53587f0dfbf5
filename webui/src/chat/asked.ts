import type { Json } from "./core/frames";
import { questionsOf } from "./permission/Questions";

/** For places outside of a chat that show what an agent asks. */
export { WhatWillHappen } from "./permission/WhatWillHappen";
export { cardTitle } from "./permission/title";

export function asks(input: Json): boolean {
  return questionsOf(input).length > 0;
}
