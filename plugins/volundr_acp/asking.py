"""Permissions: which answers an ACP agent's own options allow, and the option that an answer stands for."""

import re
from collections.abc import Sequence
from typing import Literal

from volundr.sdk import Answer
from volundr_acp.rpc import Json

type Scope = Literal["once", "session", "always"]

_FOR_GOOD = re.compile(r"future sessions|permanent|all sessions|save", re.IGNORECASE)


def scopes(options: Sequence[Json]) -> Sequence[Scope]:
    """What can be offered. `allow_always` lasts, for the agents there are, as long as its session, unless it says otherwise."""
    found: list[Scope] = []
    if _of(options, "allow_once") is not None:
        found.append("once")
    if any(_lasting(one) == "session" for one in options):
        found.append("session")
    if any(_lasting(one) == "always" for one in options):
        found.append("always")
    return found or ["once"]


def outcome(answer: Answer) -> Json:
    """The agent's own option for this answer. Never a wider one than was given: without one, the question is cancelled."""
    options: Sequence[Json] = answer.native.get("options") or ()
    if answer.decision == "deny":
        chosen = _of(options, "reject_once") or _of(options, "reject_always")
    elif answer.scope == "once":
        chosen = _of(options, "allow_once")
    else:
        lasting = [one for one in options if _lasting(one)]
        exact = [one for one in lasting if _lasting(one) == answer.scope]
        narrower = [one for one in lasting if _lasting(one) == "session"]
        chosen = next(iter(exact or narrower), None) or _of(options, "allow_once")
    if chosen is None:
        return cancelled()
    return {"outcome": {"outcome": "selected", "optionId": chosen["optionId"]}}


def cancelled() -> Json:
    return {"outcome": {"outcome": "cancelled"}}


def _of(options: Sequence[Json], kind: str) -> Json | None:
    return next((one for one in options if one.get("kind") == kind), None)


def _lasting(option: Json) -> Literal["", "session", "always"]:
    if option.get("kind") != "allow_always":
        return ""
    return "always" if _FOR_GOOD.search(f"{option.get('name')} {option.get('optionId')}") else "session"
