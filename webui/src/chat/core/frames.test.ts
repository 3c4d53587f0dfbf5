import { expect, it } from "vitest";
import type { components } from "../../api/schema";
import type { ChatRecord, FromClient, Live } from "./frames";

type Schemas = components["schemas"];
type Generated = Schemas["Record"] | Schemas["Live"] | Schemas["FromClient"];
type Ours = ChatRecord | Live | FromClient;

/** The names of a frame's fields; a record's place in the log is told beside them. */
type Names<Frame, Type> = Frame extends { type?: infer T } ? (Type extends T ? Exclude<keyof Frame, "at" | "src" | (Type extends "stored" | "caught_up" ? never : "seq")> : never) : never;
type Types = Ours["type"];
type Differs = { [T in Types]: [Names<Ours, T>] extends [Names<Generated, T>] ? ([Names<Generated, T>] extends [Names<Ours, T>] ? never : T) : T }[Types];
type Missing = Exclude<NonNullable<Generated["type"]>, Types>;

it("has the frames of the API document, field by field (the compiler looks)", () => {
  const differs: readonly Differs[] = [] satisfies never[];
  const missing: readonly Missing[] = [] satisfies never[];
  const none: [Differs, Missing] extends [never, never] ? true : false = true;
  expect([...differs, ...missing, none]).toEqual([true]);
});
