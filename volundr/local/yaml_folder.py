"""A folder of YAML files that people write: read strictly, looked at again when it is asked, wrong files told to the letter."""

import asyncio
import time
import types
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from volundr.domain.profiles import Problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

LOOK_SECONDS = 1.0
LARGEST_FILE = 1024 * 1024
MOST_FILES = 1000
MOST_PROBLEMS = 20

type Place = tuple[str | int, ...]
type Check[F] = Callable[[F], Iterator[tuple[Place, str]]]
"""What a model cannot say by itself: (where, what is wrong)."""


@dataclass(frozen=True, slots=True)
class Seen[F]:
    """A file as it was read last. `value` is what it said when it was last right, None if it never was."""

    stamp: tuple[int, int, int]
    value: F | None
    problems: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class Contents[F]:
    """What is in the folder, by file name (`templates/web.yaml`), and all that is wrong with it."""

    files: Mapping[str, F] = field(default_factory=dict)
    problems: Sequence[Problem] = ()


class YamlFolder[F: BaseModel]:
    """One model a file, `*.yaml` and `*.yml`. `every`: seconds for which what was seen counts as what is there."""

    def __init__(self, folder: Path, model: type[F], check: Check[F], every: float = LOOK_SECONDS) -> None:
        self._folder = folder
        self._model = model
        self._check = check
        self._every = every
        self._looked = -every
        self._turn = asyncio.Lock()
        self._seen: dict[str, Seen[F]] = {}
        self._contents: Contents[F] = Contents()

    async def look(self) -> Contents[F]:
        """What the folder holds now, or did a moment ago. Files that have not changed are not read again."""
        async with self._turn:
            if time.monotonic() - self._looked >= self._every:
                self._seen = await asyncio.to_thread(self._scan)
                self._contents = Contents(
                    files={name: seen.value for name, seen in self._seen.items() if seen.value is not None},
                    problems=[problem for seen in self._seen.values() for problem in seen.problems],
                )
                self._looked = time.monotonic()
            return self._contents

    def _scan(self) -> dict[str, Seen[F]]:
        try:
            paths = sorted(path for path in self._folder.iterdir() if path.suffix in {".yaml", ".yml"})[:MOST_FILES]
        except FileNotFoundError:
            return {}
        except OSError as error:
            name = self._folder.name
            return {name: Seen((0, 0, 0), None, [Problem(file=name, text=f"This folder cannot be read: {error.strerror}.")])}
        found = {f"{self._folder.name}/{path.name}": self._one(path) for path in paths}
        return {name: seen for name, seen in found.items() if seen is not None}

    def _one(self, path: Path) -> Seen[F] | None:
        """None when it is gone again."""
        name = f"{self._folder.name}/{path.name}"
        known = self._seen.get(name)
        good = known.value if known else None
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if known is not None and known.stamp == stamp:
                return known
            if stat.st_size > LARGEST_FILE:
                return Seen(stamp, good, [Problem(file=name, text=f"It is larger than {LARGEST_FILE // 1024} KiB.")])
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            return Seen((0, 0, 0), good, [Problem(file=name, text=f"It cannot be read: {error}.")])
        value, problems = parsed(name, text, self._model, self._check)
        return Seen(stamp, good if value is None else value, problems)


def parsed[F: BaseModel](file: str, text: str, model: type[F], check: Check[F]) -> tuple[F | None, Sequence[Problem]]:
    """What a file says, or None and what is wrong with it: each with its line, its column and what could stand there."""
    from ruamel.yaml import YAML  # only who has such files pays for it
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        key = "simple key" in str(error.context)  # a line without a colon is found out only at the next one
        mark = (error.context_mark if key else error.problem_mark) or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        said = str(error.problem or error.context or "it cannot be understood").partition("\n")[0]
        return None, [Problem(file=file, line=line, column=column, text=f"This is not YAML: {said}.")]
    except (YAMLError, ValueError, RecursionError) as error:
        return None, [Problem(file=file, text=f"This is not YAML: {str(error).partition(chr(10))[0]}.")]
    if not isinstance(tree, dict):
        return None, [Problem(file=file, line=1, column=1, text=f"It must be fields with values: {_fields(model)}.")]
    try:
        value = model.model_validate(tree)
    except ValidationError as error:
        wrong = [(details["loc"], _words(details, model)) for details in error.errors(include_url=False)]
        return None, _problems(file, tree, wrong)
    except RecursionError:
        return None, [Problem(file=file, text="It contains itself.")]
    wrong = list(check(value))
    return (None, _problems(file, tree, wrong)) if wrong else (value, [])


def choice(place: Place, value: str, known: Collection[str], what: str) -> Iterator[tuple[Place, str]]:
    """What is wrong when `value` says something that is none of `known`."""
    if value and value not in known:
        yield place, f"There is no {what} called {value!r}. There is: {', '.join(sorted(known)) or 'none'}."


def _problems(file: str, tree: Any, wrong: Sequence[tuple[Place, str]]) -> Sequence[Problem]:
    found = []
    for place, text in wrong[:MOST_PROBLEMS]:
        at, reached = _position(tree, place)
        name = ".".join(str(part) for part in reached)
        problem = Problem(file=file, line=at[0] + 1, column=at[1] + 1, text=f"{name}: {text}" if name else text)
        if problem not in found:
            found.append(problem)
    return sorted(found, key=lambda one: (one.line, one.column))


def _position(tree: Any, place: Place) -> tuple[tuple[int, int], Place]:
    """Line and column, from 0, of what a validator calls `place`, and the part of it that is in the file."""
    from ruamel.yaml.comments import CommentedBase

    at, node, reached = (0, 0), tree, list[str | int]()
    for part in place:
        if not isinstance(node, CommentedBase):
            break
        if isinstance(node, dict) and part in node:
            at = node.lc.key(part)
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            at = node.lc.item(part)
        else:
            continue  # a missing field, or the name of one form of several
        node = node[part]
        reached.append(part)
    return at, tuple(reached)


def _words(details: "ErrorDetails", model: type[BaseModel]) -> str:
    """What is wrong, in words for whoever wrote the file."""
    kind = details["type"]
    if kind == "extra_forbidden":
        return f"There is no such field here. There is: {_fields(_owner(model, details['loc']))}."
    if kind == "missing":
        return f"`{details['loc'][-1]}` is missing."
    if kind == "value_error" and "ctx" in details:
        return str(details["ctx"]["error"])
    return _KINDS.get(kind, f"{details['msg']}.")


_LIST = "This must be a list: one item a line, each after `- `."
_MAPPING = "This must be fields with values, one a line: `name: value`."
_KINDS = {
    "string_type": "This must be a text; put it in quotes.",
    "list_type": _LIST,
    "tuple_type": _LIST,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
}


def _fields(model: type[BaseModel]) -> str:
    return ", ".join(model.model_fields)


def _owner(model: type[BaseModel], place: Place) -> type[BaseModel]:
    """The model that the last part of `place` would be a field of."""
    for part in place[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = next(_models(model.model_fields[part].annotation), model)
    return model


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field's type speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in {list, tuple, dict, Union, types.UnionType}:
        for one in get_args(annotation):
            yield from _models(one)
