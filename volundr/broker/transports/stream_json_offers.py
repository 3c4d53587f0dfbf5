"""What an agent that speaks stream-json offers: its models, its commands and skills, its list of tasks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from volundr.broker.parts import Choice, Json, SlashCommand, Task

_STATES: dict[str, Literal["pending", "working", "done"]] = {"in_progress": "working", "completed": "done"}


def models(said: Sequence[Json]) -> Sequence[Choice]:
    return tuple(
        Choice(
            id=str(one["value"]),
            label=str(one.get("displayName") or one["value"]),
            description=str(one.get("description") or ""),
            resolved=str(one.get("resolvedModel") or ""),
        )
        for one in said
    )


def commands(said: Sequence[Json]) -> Sequence[SlashCommand]:
    return tuple(
        SlashCommand(
            name=str(one["name"]), description=str(one.get("description") or ""), takes=str(one.get("argumentHint") or "")
        )
        for one in said
    )


def named(names: Sequence[str], skills: Sequence[str], known: Sequence[SlashCommand]) -> Sequence[SlashCommand]:
    """The commands of these names, with what is known of them. Empty when no name is given."""
    by_name = {command.name: command for command in known}
    return tuple(
        replace(by_name.get(name, SlashCommand(name=name)), kind="skill" if name in skills else "command") for name in names
    )


def tasks(given: Json) -> Sequence[Task] | None:
    """The list that a `TodoWrite` call sets; None when it is no list."""
    todos = given.get("todos")
    if not isinstance(todos, list):
        return None
    return tuple(Task(text=str(one.get("content") or ""), state=_STATES.get(str(one.get("status")), "pending")) for one in todos)
