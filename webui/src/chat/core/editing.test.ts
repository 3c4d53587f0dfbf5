import { expect, it } from "vitest";
import { answersIn, editable, isEdited, parseEdited } from "./editing";

it("a command is edited as it is, and keeps what was not shown", () => {
  const input = { command: "rm -rf build", description: "Clean" };
  expect(editable(input)).toEqual({ text: "rm -rf build", as: "command" });
  expect(parseEdited(input, "command", "rm -rf build/tmp").input).toEqual({ command: "rm -rf build/tmp", description: "Clean" });
  expect(parseEdited(input, "command", "  ").input).toBeNull();
});

it("anything else is JSON, and says what is wrong with it", () => {
  const input = { file_path: "a", limit: 3 };
  const { text, as } = editable(input);
  expect(parseEdited(input, as, text).input).toEqual(input);
  expect(parseEdited(input, as, "[1]").problem).toContain("object");
  expect(parseEdited(input, as, "{").problem).toContain("not JSON yet");
});

it("answers beside the questions are no edit", () => {
  const asked = { questions: [1] };
  expect(isEdited(asked, null)).toBe(false);
  expect(isEdited(asked, { ...asked, answers: { Why: "so" } })).toBe(false);
  expect(isEdited({ command: "a" }, { command: "b" })).toBe(true);
  expect(answersIn({ answers: { Why: "so", Which: ["a", "b"] } })).toEqual([["Why", "so"], ["Which", "a, b"]]);
});
