"""The language in which a test's prompt tells the model what to do.

The newest user text holds the script: one `{{verb: argument}}` a model turn. The endpoint keeps no state, since every request
carries the whole conversation; how many tool rounds were answered since that text says which step is next.

    {{text: hello}}                     say this
    {{slow: 40 0.1}}                    say 40 words, 0.1 s apart
    {{think: hm}}                       think this before the next step
    {{bash: touch a.txt}}               call the shell tool
    {{write: a.txt :: content}}         call the tool that writes files
    {{tool: Read {"file_path": "a.txt"}}}                 call any tool with this input
    {{error: 401 authentication_error Invalid API key}}   answer with an HTTP error
    {{hang: 30}}                        stay silent for 30 s

Without a step it repeats what was said; when the steps are used up it says "Done."
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

_STEP = re.compile(r"\{\{\s*(text|slow|think|bash|write|tool|error|hang)\s*:\s*(.*?)\s*\}\}(?!\})", re.DOTALL)
_NOTE = re.compile(r"<system-reminder>.*?</system-reminder>|\[Request interrupted by user[^\]]*\]", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What one answer of the model holds. `tool` is (kind or its own name, arguments); `error` is (status, type, message)."""

    words: tuple[str, ...] = ()
    pause: float = 0.0
    thinking: str = ""
    tool: tuple[str, dict[str, Any]] | None = None
    error: tuple[int, str, str] | None = None
    silent: float = 0.0


@dataclass(slots=True)
class Asked:
    """The newest user text of a conversation, and how many tool results came after it."""

    text: str
    rounds: int = 0
    earlier: list[str] = field(default_factory=list)


def newest(messages: list[dict[str, Any]]) -> Asked:
    """After an interrupt a CLI may put the next prompt beside a tool result, so text counts wherever it stands."""
    rounds, texts = 0, []
    for message in messages:
        if message["role"] != "user":
            continue
        blocks = message["content"] if isinstance(message["content"], list) else [{"type": "text", "text": message["content"]}]
        said = _NOTE.sub("", "\n".join(block["text"] for block in blocks if block["type"] == "text")).strip()
        if said:
            texts.append(said)
            rounds = 0
        elif any(block["type"] == "tool_result" for block in blocks):
            rounds += 1
    return Asked(texts[-1] if texts else "", rounds, texts[:-1])


def plan(asked: Asked) -> Turn:
    """The answer to a conversation."""
    steps, thinking = [], ""
    for verb, argument in _STEP.findall(asked.text):
        if verb == "think":
            thinking = argument
        else:
            steps.append((verb, argument, thinking))
            thinking = ""
    if not steps:
        return Turn(words=_words(f"You said: {asked.text[:200]}"))
    if asked.rounds >= len(steps):
        return Turn(words=("Done.",))
    return _turn(*steps[asked.rounds])


def _turn(verb: str, argument: str, thinking: str) -> Turn:
    match verb:
        case "text":
            return Turn(words=_words(argument), thinking=thinking)
        case "slow":
            count, pause = argument.split()
            return Turn(words=tuple(f"word{number} " for number in range(int(count))), pause=float(pause), thinking=thinking)
        case "bash" | "write" | "tool":
            word, tool = _call(verb, argument)
            return Turn(words=(word,), tool=tool, thinking=thinking)
        case "error":
            status, kind, message = argument.split(None, 2)
            return Turn(error=(int(status), kind, message))
        case _:
            return Turn(silent=float(argument), words=("Late.",))


def _call(verb: str, argument: str) -> tuple[str, tuple[str, dict[str, Any]]]:
    if verb == "bash":
        return "Running. ", ("shell", {"command": argument})
    if verb == "write":
        path, _, content = argument.partition("::")
        return "Writing. ", ("write", {"path": path.strip(), "content": content.strip() + "\n"})
    name, _, given = argument.partition(" ")
    return "Calling. ", (name, json.loads(given or "{}"))


def _words(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\S+\s*", text))
