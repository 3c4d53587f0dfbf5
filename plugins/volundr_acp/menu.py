"""What an ACP agent offers: models, modes, thinking levels, commands, its plan."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from volundr.sdk import Choice, Offered, Ready, SlashCommand, Task
from volundr_acp.rpc import NOTHING, Json, request

_CATEGORIES = {"model": "model", "mode": "mode", "thought_level": "thinking"}
_OLDER = (
    ("model", "models", "availableModels", "currentModelId"),
    ("mode", "modes", "availableModes", "currentModeId"),
)
_STATES: Mapping[str, Literal["pending", "working", "done"]] = {"in_progress": "working", "completed": "done"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """By what it is about (model, mode, thinking): the choices, the one in use, and the config option that changes it ("" = the
    method of its own).
    """

    choices: Mapping[str, Sequence[Choice]] = field(default_factory=dict)
    current: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)

    def ready(self, native: str) -> Ready:
        now = self.current
        return Ready(native=native, model=now.get("model", ""), mode=now.get("mode", ""), thinking=now.get("thinking", ""))

    def offered(self) -> Offered:
        has = self.choices
        return Offered(models=has.get("model", ()), modes=has.get("mode", ()), thinking=has.get("thinking", ()))

    def using(self, what: str, value: str) -> "Menu":
        return replace(self, current={**self.current, what: value})


def read(said: Json, known: Menu) -> Menu:
    """What an answer or an update says; config options count before the older `models` and `modes`."""
    choices, current, options = dict(known.choices), dict(known.current), dict(known.options)
    for what, part, names, use in _OLDER:
        if isinstance(given := said.get(part), dict):
            choices[what] = tuple(_choice(one, str(one.get("modelId") or one["id"])) for one in given.get(names) or ())
            current[what] = str(given.get(use) or "")
            options[what] = ""
    for option in said.get("configOptions") or ():
        about = str(option.get("category") or option["id"])
        if about in _CATEGORIES and isinstance(option.get("options"), list):
            what = _CATEGORIES[about]
            choices[what] = tuple(_choice(one, str(one["value"])) for one in _flat(option["options"]))
            current[what] = str(option.get("currentValue") or "")
            options[what] = str(option["id"])
    return Menu(choices=choices, current=current, options=options)


def change(name: str, session: str, what: str, value: str, option: str) -> str:
    """The request that changes this; `option` is the config option, "" for the method of its own."""
    if option:
        return request(name, "session/set_config_option", {"sessionId": session, "configId": option, "value": value})
    key = {"model": "modelId", "mode": "modeId"}.get(what, what)
    return request(name, f"session/set_{what}", {"sessionId": session, key: value})


def commands(said: Json) -> Sequence[SlashCommand]:
    return tuple(
        SlashCommand(
            name=str(one["name"]).removeprefix("/"),
            description=str(one.get("description") or ""),
            takes=str((one.get("input") or NOTHING).get("hint") or ""),
        )
        for one in said.get("availableCommands") or ()
    )


def tasks(said: Json) -> Sequence[Task]:
    return tuple(
        Task(text=str(one["content"]), state=_STATES.get(str(one.get("status")), "pending")) for one in said.get("entries") or ()
    )


def _choice(said: Json, name: str) -> Choice:
    return Choice(id=name, label=str(said.get("name") or name), description=str(said.get("description") or ""))


def _flat(options: Sequence[Json]) -> Iterator[Json]:
    """Options may come in groups."""
    for one in options:
        if isinstance(one.get("options"), list):
            yield from one["options"]
        else:
            yield one
