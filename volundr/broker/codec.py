"""Frames as JSON and back: encoded once, with the type first, so that a log can be read without a schema at hand."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

from volundr.broker.frames import FromClient, Live
from volundr.broker.parts import Attachment, Choice, Rule, SlashCommand, Task, Usage
from volundr.broker.records import Record
from volundr.domain.errors import Invalid

if TYPE_CHECKING:
    from pydantic import TypeAdapter

MAX_SHOWN_ERRORS = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """A record with its place in the log. `src` numbers the agent's output line that caused it, 0 if none did."""

    seq: int
    at: str
    src: int
    record: Record


def encode(frame: Live) -> bytes:
    body = {"type": frame.type}
    for name in _names(type(frame)):
        body[name] = getattr(frame, name)
    return _bytes(body)


def encode_entry(entry: Entry) -> bytes:
    """The record as every client gets it and as the log holds it."""
    record = entry.record
    body: dict[str, Any] = {"type": record.type, "seq": entry.seq, "at": entry.at}
    if entry.src:
        body["src"] = entry.src
    for name in _names(type(record)):
        body[name] = getattr(record, name)
    return _bytes(body)


def decode_entry(raw: bytes) -> Entry:
    """What `encode_entry` wrote. Fields that this version does not know are left out, so a newer log can be read."""
    body = json.loads(raw)
    kind = _records()[body["type"]]
    values = {name: body[name] for name in _names(kind) if name in body}
    for name, make in _NESTED.items():
        if isinstance(values.get(name), list):
            values[name] = tuple(make(one) for one in values[name])
    for name in ("messages", "scopes"):
        if name in values:
            values[name] = tuple(values[name])
    return Entry(body["seq"], body["at"], body.get("src", 0), cast(Record, kind(**values)))


def parse(text: str) -> FromClient:
    """A client's frame. Raises Invalid, saying what is wrong with it; unknown fields are wrong."""
    from pydantic import ValidationError

    try:
        return _from_client().validate_json(text)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        told = "; ".join(_told(one["loc"], one["msg"]) for one in found[:MAX_SHOWN_ERRORS])
        raise Invalid(f"This frame cannot be read: {told}.") from None


def _told(place: Sequence[int | str], message: str) -> str:
    where = ".".join(str(step) for step in place)
    return f"{where}: {message}" if where else message


@cache
def _from_client() -> "TypeAdapter[FromClient]":
    from pydantic import Field, TypeAdapter

    checked: Any = Annotated[FromClient.__value__, Field(discriminator="type")]
    return TypeAdapter(checked)


_known_names: dict[type[Any], tuple[str, ...]] = {}


def _names(kind: type[Any]) -> tuple[str, ...]:
    names = _known_names.get(kind)
    if names is None:
        names = _known_names[kind] = tuple(field.name for field in fields(kind) if field.name != "type")
    return names


@cache
def _records() -> Mapping[str, type[Any]]:
    return {get_args(kind.__annotations__["type"])[0]: kind for kind in get_args(Record.__value__)}


def _part(kind: type[Any]) -> Callable[[Mapping[str, Any]], object]:
    return lambda body: kind(**{name: body[name] for name in _names(kind) if name in body})


_NESTED: Mapping[str, Callable[[Mapping[str, Any]], object]] = {
    "rules": _part(Rule),
    "usage": _part(Usage),
    "attachments": _part(Attachment),
    "models": _part(Choice),
    "modes": _part(Choice),
    "thinking": _part(Choice),
    "commands": _part(SlashCommand),
    "tasks": _part(Task),
}
"""Parts that come in lists, by the name that such a field has in every record (`thinking` is a plain text elsewhere)."""


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: getattr(value, name) for name in _names(type(value))}
    if isinstance(value, Mapping):
        return dict(value)
    return list(cast(Sequence[object], value))


_dump = json.JSONEncoder(ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":"), default=_plain).encode
_dump_ascii = json.JSONEncoder(ensure_ascii=True, check_circular=False, separators=(",", ":"), default=_plain).encode


def _bytes(body: Mapping[str, Any]) -> bytes:
    try:
        return _dump(body).encode()
    except ValueError:
        # An agent may print NaN (no JSON) or half a surrogate pair (no UTF-8); neither may stop the session.
        return _dump_ascii(_finite(body)).encode()


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, str | int | None):
        return value
    plain = _plain(value)
    return [_finite(one) for one in plain] if isinstance(plain, list) else _finite(plain)
