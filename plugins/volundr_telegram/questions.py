"""Permissions as a message with buttons, and what a pressed button means. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from volundr.sdk import Decide
from volundr_telegram.markup import escape, messages, short
from volundr_telegram.memory import Question
from volundr_telegram.post import Row

SCOPES = {"once": ("Allow once", "o"), "session": ("For this session", "s"), "always": ("Always", "w")}
MOST_OPTIONS, MOST_SHOWN, LONGEST_DETAIL, LONGEST_PLAN = 12, 8, 1500, 1500
ELSEWHERE = "Answer in the web UI"

type Json = Mapping[str, Any]


def question(session: str, frame: Json) -> Question:
    """What is kept of a `permission_raised`."""
    given = frame.get("input") or {}
    asks, labels = _single_choice(frame)
    return Question(
        session=session,
        id=str(frame["id"]),
        title=str(frame.get("title") or frame.get("tool") or "A question"),
        asks=asks,
        labels=list(labels),
        given=json.dumps(given) if asks else "",
    )


def shown(name: str, frame: Json) -> tuple[str, Sequence[Row]]:
    """The message, and its buttons: only the scopes that the agent offers."""
    asks, labels = _single_choice(frame)
    if asks:
        rows = [[(short(label, 40) or "?", f"c:{name}:{number}")] for number, label in enumerate(labels)]
        hint = "<i>Or reply to this message with an answer of your own.</i>"
        return f"❓ {escape(short(asks, 1000))}\n{_described(frame)}{hint}", [*rows, [("Skip", f"d:{name}")]]
    if frame.get("tool") == "AskUserQuestion":
        asked = "\n".join(f"• {escape(short(str(one.get('question', '')), 300))}" for one in _questions(frame)[:MOST_SHOWN])
        return f"❓ The agent asks:\n{asked}\n{ELSEWHERE}, or reply to this message to refuse with a word.", [
            [("Skip", f"d:{name}")]
        ]
    allow = [(SCOPES[scope][0], f"a:{name}:{SCOPES[scope][1]}") for scope in frame.get("scopes") or ("once",) if scope in SCOPES]
    reason = f"\n<i>{escape(short(str(frame['reason']), 500))}</i>" if frame.get("reason") else ""
    title = escape(short(str(frame.get("title") or frame.get("tool")), 300))
    body = f"🔐 <b>{title}</b>{reason}\n{_detail(frame)}\n<i>Reply to this message to deny with a word.</i>"
    return body, [allow, [("Deny", f"d:{name}")]]


def decided(title: str, frame: Json) -> str:
    """What the message says once somebody has answered."""
    by = f" by {escape(short(str(frame['by']), 60))}" if frame.get("by") else ""
    if frame.get("decision") == "allow":
        by = by or " by a rule that was kept"
        scope = {"session": " for this session", "always": " always"}.get(str(frame.get("scope")), "")
        answers = ((frame.get("input") or {}).get("answers") or {}).values()
        what = "answered" if answers else "allowed"
        said = f": {escape(short('; '.join(str(one) for one in answers), 300))}" if answers else ""
        return f"✅ {escape(short(title, 300))}\n{what}{scope}{by}{said}"
    word = f": {escape(short(str(frame['message']), 300))}" if frame.get("message") else ""
    return f"⛔ {escape(short(title, 300))}\ndenied{by}{word}"


def closed(title: str, reason: str) -> str:
    return f"⚪ {escape(short(title, 300))}\n{escape(short(reason, 300))}"


def pressed(known: Question, verb: str, argument: str) -> Decide | None:
    """What a button means; None for one that we never made."""
    scopes = {letter: scope for scope, (_, letter) in SCOPES.items()}
    match verb:
        case "d":
            return Decide(id=known.id, decision="deny")
        case "a" if argument in scopes:
            return _allow(known.id, scopes[argument])
        case "c" if argument.isdecimal() and int(argument) < len(known.labels):
            return answer(known, known.labels[int(argument)])
        case _:
            return None


def replied(known: Question, text: str) -> Decide:
    """Words in reply to a question: the answer to one that asks for a choice, else the reason of a refusal."""
    return answer(known, text) if known.asks else Decide(id=known.id, decision="deny", message=text)


def answer(known: Question, text: str) -> Decide:
    return Decide(id=known.id, decision="allow", input={**json.loads(known.given), "answers": {known.asks: text}})


def _allow(name: str, scope: str) -> Decide:
    match scope:
        case "session" | "always":
            return Decide(id=name, decision="allow", scope=scope)
        case _:
            return Decide(id=name, decision="allow")


def _questions(frame: Json) -> Sequence[Json]:
    found = (frame.get("input") or {}).get("questions")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _single_choice(frame: Json) -> tuple[str, Sequence[str]]:
    """The question and its options, if there is one question with one answer."""
    questions = _questions(frame)
    if frame.get("tool") != "AskUserQuestion" or len(questions) != 1 or questions[0].get("multiSelect"):
        return "", ()
    options = questions[0].get("options") or ()
    labels = [str(option["label"]) for option in options if isinstance(option, dict) and option.get("label")]
    return (str(questions[0].get("question") or ""), labels) if len(labels) <= MOST_OPTIONS else ("", ())


def _described(frame: Json) -> str:
    options = [option for option in _questions(frame)[0].get("options") or () if isinstance(option, dict)]
    lines = [f"• {option.get('label')}: {option['description']}" for option in options if option.get("description")]
    return "".join(f"{escape(short(line, 200))}\n" for line in lines)


def _detail(frame: Json) -> str:
    """What it is about, so that nobody allows what they have not seen."""
    match frame.get("input") or {}:
        case {"plan": str(plan)}:
            written = messages(plan)
            return written[0] if len(written) == 1 and len(plan) < LONGEST_PLAN else _pre(plan, LONGEST_DETAIL)
        case {"command": str(command)}:
            return _pre(command, LONGEST_DETAIL)
        case dict(given) if given:
            return _pre(json.dumps(given, indent=1, ensure_ascii=False), LONGEST_DETAIL)
        case _:
            return ""


def _pre(text: str, length: int) -> str:
    cut = _cut(text, length)
    while len(escape(cut)) > length + 500:
        cut = _cut(cut, len(cut) * 3 // 4)
    more = f"\n<b>{ELSEWHERE}</b> to see all of it." if cut != text else ""
    return f"<pre>{escape(cut)}</pre>{more}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
