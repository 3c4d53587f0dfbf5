import type { Json } from "./frames";

export type EditedAs = "command" | "json";

export interface Editable {
  text: string;
  as: EditedAs;
}

export interface Edited {
  /** Null while the text is no input. */
  input: Json | null;
  problem: string;
}

/** The input of a call as text: a command as it is, whatever else as JSON. */
export function editable(input: Json): Editable {
  const command = input["command"];
  if (typeof command === "string") return { text: command, as: "command" };
  return { text: JSON.stringify(input, null, 2), as: "json" };
}

/** The text as an input again. What was not shown stays as the agent gave it. */
export function parseEdited(input: Json, as: EditedAs, text: string): Edited {
  if (as === "command") {
    if (text.trim() === "") return { input: null, problem: "A command needs some words. To run nothing, deny it." };
    return { input: { ...input, command: text }, problem: "" };
  }
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { input: value as Json, problem: "" };
    return { input: null, problem: "This must be a JSON object, in braces." };
  } catch (error) {
    return { input: null, problem: `This is not JSON yet: ${error instanceof Error ? error.message : "it cannot be read"}` };
  }
}

/** Whether a person's input differs from the agent's, other than by answers put beside it. */
export function isEdited(asked: Json, given: Json | null): boolean {
  if (given === null) return false;
  const { answers: _, ...rest } = given;
  const { answers: __, ...before } = asked;
  return JSON.stringify(rest) !== JSON.stringify(before);
}

/** The answers to an agent's questions, as they went back to it. */
export function answersIn(given: Json | null): readonly (readonly [string, string])[] {
  const answers = given?.["answers"];
  if (typeof answers !== "object" || answers === null) return [];
  return Object.entries(answers).map(([question, answer]) => [question, Array.isArray(answer) ? answer.join(", ") : String(answer)]);
}
