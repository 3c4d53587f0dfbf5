"""Typed data as plain JSON values and back, led by the types themselves: dataclasses, unions of them, maps, sets and tuples.

Fields that do not compare (`compare=False`) are of the moment; they are left out and come back as they are by default.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeAliasType, Union, get_args, get_origin, get_type_hints

type Way = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Codec:
    """`pack` makes plain values of one type's value, `unpack` the value again; `shape` changes whenever the type does."""

    pack: Way
    unpack: Way
    shape: str


@cache
def codec(kind: Any) -> Codec:
    """For a type. Raises TypeError for one whose values cannot be told apart in JSON."""
    kind = kind.__value__ if isinstance(kind, TypeAliasType) else kind
    if is_dataclass(kind) and isinstance(kind, type):
        return _of_dataclass(kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _of_union(inner)
    if origin is Literal or kind in (str, int, float, bool, NoneType, Any):
        return Codec(_same, _same, str(kind))
    if origin in (dict, Mapping):
        return _of_map(inner[0], inner[1])
    if origin is tuple and (len(inner) != 2 or inner[1] is not ...):
        return _of_fixed([codec(one) for one in inner])
    return _of_many(origin, inner, kind)


def _same(value: Any) -> Any:
    return value


def _of_dataclass(kind: type) -> Codec:
    hints = get_type_hints(kind)
    kept = [(field.name, codec(hints[field.name])) for field in fields(kind) if field.compare]

    def pack(value: Any) -> list[Any]:
        return [one.pack(getattr(value, name)) for name, one in kept]

    def unpack(plain: list[Any]) -> Any:
        return kind(**{name: one.unpack(each) for (name, one), each in zip(kept, plain, strict=True)})

    return Codec(pack, unpack, f"{kind.__qualname__}({', '.join(f'{name}: {one.shape}' for name, one in kept)})")


def _of_union(kinds: Sequence[Any]) -> Codec:
    """Dataclasses are told apart by their names; besides them there may be None and one plain type."""
    classes = {kind.__name__: kind for kind in kinds if is_dataclass(kind) and isinstance(kind, type)}
    others = [codec(kind) for kind in kinds if kind is not NoneType and kind not in classes.values()]
    if len(others) > 1 or (others and classes):
        raise TypeError(f"No way to tell these apart: {kinds}")
    known = {name: codec(kind) for name, kind in classes.items()}

    def pack(value: Any) -> Any:
        if value is None:
            return None
        return others[0].pack(value) if others else [type(value).__name__, known[type(value).__name__].pack(value)]

    def unpack(plain: Any) -> Any:
        if plain is None:
            return None
        return others[0].unpack(plain) if others else known[plain[0]].unpack(plain[1])

    return Codec(pack, unpack, " | ".join([*(one.shape for one in known.values()), *(one.shape for one in others)]))


def _of_map(key: Any, value: Any) -> Codec:
    keys, values = codec(key), codec(value)
    shape = f"{{{keys.shape}: {values.shape}}}"
    if key is str and values.pack is _same:
        return Codec(dict, dict, shape)
    return Codec(
        lambda given: [[keys.pack(name), values.pack(one)] for name, one in given.items()],
        lambda plain: {keys.unpack(name): values.unpack(one) for name, one in plain},
        shape,
    )


def _of_fixed(places: Sequence[Codec]) -> Codec:
    return Codec(
        lambda given: [one.pack(value) for one, value in zip(places, given, strict=True)],
        lambda plain: tuple(one.unpack(value) for one, value in zip(places, plain, strict=True)),
        f"({', '.join(one.shape for one in places)})",
    )


def _of_many(origin: Any, inner: Sequence[Any], kind: Any) -> Codec:
    makes: Mapping[Any, Way] = {tuple: tuple, Sequence: tuple, list: list, set: set, Set: frozenset, frozenset: frozenset}
    if origin not in makes:
        raise TypeError(f"No plain form for {kind}")
    one, make = codec(inner[0]), makes[origin]
    return Codec(
        lambda given: [one.pack(value) for value in given],
        lambda plain: make(one.unpack(value) for value in plain),
        f"{origin.__name__}[{one.shape}]",
    )
