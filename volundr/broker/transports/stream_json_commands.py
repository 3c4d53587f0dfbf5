"""What Skuld says to an agent that speaks stream-json."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from volundr.broker.events import Adjust, Answer, Attached, Ready
from volundr.broker.parts import Json, Rule, Scope

REFUSED = "The user does not want this."
_ADJUST = "volundr-adjust"


def line(**said: Any) -> str:
    return json.dumps(said, separators=(",", ":"))


def request(request_id: str, **what: Any) -> str:
    return line(type="control_request", request_id=request_id, request=what)


def adjust(adjustment: Adjust) -> Sequence[str]:
    """A request for each thing that changes. Its id says which and to what: the answer says nothing but "success"."""
    lines = []
    number = adjustment.number
    if adjustment.model is not None:
        name = f"{_ADJUST} {number} model {adjustment.model}"
        lines.append(request(name, subtype="set_model", model=adjustment.model))
    if adjustment.mode is not None:
        lines.append(request(f"{_ADJUST} {number} mode {adjustment.mode}", subtype="set_permission_mode", mode=adjustment.mode))
    if adjustment.thinking is not None and adjustment.thinking.isdigit():
        name = f"{_ADJUST} {number} thinking {adjustment.thinking}"
        lines.append(request(name, subtype="set_max_thinking_tokens", max_thinking_tokens=int(adjustment.thinking)))
    return lines


def adjusted(request_id: str, known: Ready) -> Ready:
    """What the agent is now, after it said yes to this request."""
    words = request_id.split(" ", 3)
    if len(words) != 4 or words[0] != _ADJUST:
        return known
    match words[2]:
        case "model":
            return replace(known, model=words[3])
        case "mode":
            return replace(known, mode=words[3])
        case "thinking":
            return replace(known, thinking=words[3])
        case _:
            return known


def content(text: str, attached: Sequence[Attached]) -> Sequence[Json]:
    """A message's blocks: images as they are, other files named by their path."""
    blocks: list[Json] = [_image(file) for file in attached if file.data]
    named = [f"Attached file: {file.path}" for file in attached if not file.data]
    words = "\n".join(part for part in (text, *named) if part)
    return [*blocks, {"type": "text", "text": words}] if words else blocks


def _image(file: Attached) -> Json:
    return {"type": "image", "source": {"type": "base64", "media_type": file.about.media_type, "data": file.data}}


def suggestions(tool: str) -> Sequence[Json]:
    """What can be allowed for longer where the agent suggests nothing: a plan's approval may go with leave to edit."""
    return [{"type": "setMode", "mode": "acceptEdits", "destination": "session"}] if tool == "ExitPlanMode" else []


def answer(given: Answer) -> str:
    response = {"subtype": "success", "request_id": given.id, "response": _response(given)}
    return line(type="control_response", response=response)


def _response(answer: Answer) -> Json:
    if answer.decision == "deny":
        return {"behavior": "deny", "message": answer.message or REFUSED}
    given = answer.asked_input if answer.input is None else answer.input
    allow = {"behavior": "allow", "updatedInput": dict(given)}
    kept = _kept(answer.native.get("suggestions") or [], answer.scope)
    return {**allow, "updatedPermissions": kept} if kept else allow


def _kept(suggestions: Sequence[Json], scope: Scope) -> Sequence[Json]:
    """The agent's own suggestions that this scope stands for. A change of mode only where there is no narrower rule."""
    rules = [one for one in suggestions if one["type"] in ("addRules", "addDirectories")]
    if scope == "once":
        return ()
    if scope == "session":
        return [{**one, "destination": "session"} for one in rules] or [
            one for one in suggestions if one["type"] == "setMode" and one.get("destination") == "session"
        ]
    return rules


def scopes(suggestions: Sequence[Json]) -> Sequence[Scope]:
    lasting = any(one["type"] == "addRules" and one.get("destination") != "session" for one in suggestions)
    scopes: list[Scope] = ["once"]
    if _kept(suggestions, "session"):
        scopes.append("session")
    if lasting:
        scopes.append("always")
    return scopes


def rules(suggestions: Sequence[Json]) -> Sequence[Rule]:
    """What a wider answer would keep, for people."""
    found = [
        Rule(tool=str(rule["toolName"]), subject=str(rule.get("ruleContent") or ""))
        for one in suggestions
        if one["type"] == "addRules"
        for rule in one["rules"]
    ]
    if not found and any(one["type"] == "setMode" and one.get("mode") == "acceptEdits" for one in suggestions):
        found.append(Rule(tool="Edit"))
    return found
