"""What a person's message asks the demo agent to do: steps, from plain words or from `{{step: …}}` for tests."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from volundr.broker.demo.words import ABILITIES, GREETING, PLAN, STORY

type Kind = Literal["text", "slow", "think", "bash", "write", "read", "ask", "plan", "todo", "error", "hang", "crash", "flood"]
KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind.__value__)}

_STEP = re.compile(rf"\{{\{{\s*({'|'.join(KINDS)})\s*:\s*(.*?)\}}\}}(?!\}})", re.DOTALL)
TOOLS = ("bash", "write", "read", "ask", "plan", "todo")
_COMMAND = re.compile(r"/([a-z]+)\b(.*)", re.IGNORECASE | re.DOTALL)
_WRITE = re.compile(
    r"(?:write|create|make)\s+(?:an?\s+|the\s+)?(?:new\s+)?(?:file\s+)?(?:called\s+|named\s+)?(\S+)\s+with\s+(.+)", re.I | re.S
)
_RUN = re.compile(r"(?:run|execute)\s+(?:the\s+command\s+)?(.+)", re.IGNORECASE | re.DOTALL)
_SHOW = re.compile(r"(?:show|read|open|print|cat)\s+(?:me\s+)?(?:the\s+)?(?:file\s+)?(\S+)\s*$", re.IGNORECASE)
_LIST = re.compile(r"(?:list|show)\s+(?:me\s+)?(?:all\s+)?(?:the\s+)?files|ls$|what files", re.IGNORECASE)
_STORY = re.compile(r"\b(plan|story|long)\b", re.IGNORECASE)
_HELLO = re.compile(r"(?:hello|hi|hey|good (?:morning|evening|day))\b", re.IGNORECASE)
_MEMORY = re.compile(r"what did i (?:say|write|ask)|do you remember", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do. What `argument` means depends on the kind, as in `{{kind: argument}}`."""

    kind: Kind
    argument: str = ""


def understand(message: str, earlier: Sequence[str]) -> Sequence[Step]:
    """The steps that this message asks for; `earlier` are the person's messages before it."""
    scripted = [_step(match[1], match[2].strip()) for match in _STEP.finditer(message)]
    if scripted and scripted[-1].kind in TOOLS:
        scripted.append(_say("Done."))  # no agent ends its turn with a tool call
    return scripted or _plain(message.strip(), earlier)


def _plain(message: str, earlier: Sequence[str]) -> Sequence[Step]:
    if match := _COMMAND.match(message):
        return _command(match[1].lower(), match[2].strip(), earlier)
    if did := _work(message):
        return did
    if _MEMORY.search(message):
        return [_say(_remembered(earlier))]
    if _STORY.search(message):
        return [Step("think", "They want something long to look at."), Step("slow", STORY)]
    return [_say(GREETING if _HELLO.match(message) else ABILITIES)]


def _command(name: str, rest: str, earlier: Sequence[str]) -> Sequence[Step]:
    match name:
        case "story":
            return [Step("slow", STORY)]
        case "memory":
            return [_say(_remembered(earlier))]
        case "ask":
            question = rest or "Which colour shall it have?"
            return [Step("ask", f"{question} :: Ember | Steel | Verdigris"), _say("Good, I will remember that.")]
        case "plan":
            return [Step("plan", PLAN.format(what=rest or "the demo")), _say("Then I would begin.")]
        case "todo":
            return [Step("todo", rest or "Look around; Change one thing; Prove it"), _say("All of it is done.")]
        case _:
            return [_say(f"I do not know the command `/{name}`.")]


def _work(message: str) -> Sequence[Step]:
    if match := _WRITE.match(message):
        name = match[1].strip("`'\"")
        return [
            _say(f"I will write `{name}`."),
            Step("write", f"{name} :: {match[2]}"),
            _say("Done: the file is in the workspace."),
        ]
    if match := _RUN.match(message):
        command = match[1].strip().strip("`")
        return [_say(f"I will run `{command}`."), Step("bash", command), _say("That was the command.")]
    if _LIST.match(message):
        return [Step("read", "."), _say("These are the files of the workspace.")]
    if match := _SHOW.match(message):
        return [Step("read", match[1].strip("`'\"")), _say("That is the file.")]
    return []


def _remembered(earlier: Sequence[str]) -> str:
    if not earlier:
        return "This is your first message."
    return "Before this you said:\n\n" + "\n".join(f"- {' '.join(message.split())[:200]}" for message in earlier[-20:])


def _say(text: str) -> Step:
    return Step("text", text)


def _step(kind: str, argument: str) -> Step:
    return Step(KINDS[kind], argument)
