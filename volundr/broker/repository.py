"""git in a workspace, to look and never to change. What the repository configures is not trusted: nothing of it is run."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from volundr.broker.files.roots import decoded, named
from volundr.broker.programs import Ended, Program, read
from volundr.domain.errors import Invalid, NotFound, Unavailable

DEADLINE_SECONDS = 20.0
MOST_OUTPUT = 64 * 1024 * 1024
LARGEST_BLOB = "20m"
"""A larger file is not looked into: git calls it binary."""
_EMPTY = {
    "sha1": ("4b825dc642cb6eb9a060e54bf8d69288fbee4904", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),
    "sha256": (
        "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    ),
}
"""The empty tree and the empty file; git knows them in every repository."""
_KEPT = frozenset({"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"})
_ENV = {
    "LC_ALL": "C.UTF-8",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_PAGER": "cat",
}
_SETTINGS = {
    "core.quotepath": "off",
    "core.fsmonitor": "false",
    "core.hooksPath": "/dev/null",
    "core.bigFileThreshold": LARGEST_BLOB,
    "core.alternateRefsCommand": "",
    "log.showSignature": "false",
    "log.follow": "false",
    "submodule.recurse": "false",
    "diff.orderFile": "/dev/null",
    "diff.interHunkContext": "0",
    "color.ui": "false",
    "gc.auto": "0",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What git printed. `cut`: there was more than we take."""

    data: bytes
    cut: bool

    @property
    def line(self) -> str:
        return decoded(self.data.rstrip(b"\n"))

    @property
    def fields(self) -> list[str]:
        """Of output whose fields end with NUL. A field that was cut off is none."""
        return [decoded(field) for field in self.data.split(b"\0")[:-1]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The repository that `folder` is in. `prefix` is the folder's own path in it: "" or "a/b/". Made by `open_repository`."""

    folder: Path
    env: Mapping[str, str]
    settings: Sequence[str]
    prefix: str
    index: Path
    empty_tree: str
    empty_file: str

    def program(self, *argv: str, stdin: bytes = b"", literal: bool = True) -> Program:
        env = {**self.env, "GIT_LITERAL_PATHSPECS": "1"} if literal else self.env
        command = ("git", "--no-pager", *self.settings, *argv)
        return Program(argv=[named(word) for word in command], folder=self.folder, env=env, stdin=stdin)

    def beside(self, index: Path) -> "Repository":
        """The same with another index."""
        return replace(self, env={**self.env, "GIT_INDEX_FILE": str(index)})

    async def git(self, *argv: str, stdin: bytes = b"", ok: Sequence[int] = (0,), most: int = MOST_OUTPUT) -> Printed:
        """What git prints. Raises Unavailable when it fails or takes too long."""
        printed, ended = await _collect(self.program(*argv, stdin=stdin), most)
        check(argv[0], ended, ok)
        return printed

    async def resolve(self, ref: str) -> str:
        """The commit a name stands for. Raises NotFound, or Invalid for what cannot be a name."""
        if not ref or ref.startswith("-") or len(ref) > 250 or any(ord(char) < 33 or ord(char) == 127 for char in ref):
            raise Invalid("This cannot be the name of a branch, tag or commit.")
        found = await self.find(ref)
        if not found:
            raise NotFound(f"There is no branch, tag or commit {ref!r} here.")
        return found

    async def find(self, ref: str) -> str:
        """The commit of a name that we made up or checked; "" when there is none."""
        return (await self.git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}", ok=(0, 1, 128))).line

    async def default_branch(self) -> str:
        """The full name of the branch that work goes into in the end: the remote's choice, else main or master. "" if unknown."""
        chosen = (await self.git("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD", ok=(0, 1, 128))).line
        if chosen and await self.find(chosen):
            return chosen
        usual = [f"refs/{where}/{name}" for where in ("remotes/origin", "heads") for name in ("main", "master", "trunk")]
        there = (await self.git("for-each-ref", "--format=%(refname)", *usual)).line.split("\n")
        return next((name for name in usual if name in there), "")


def check(verb: str, ended: Ended, ok: Sequence[int] = (0,)) -> None:
    """Raise Unavailable unless git ended by itself, in time, and well."""
    if not ended.in_time:
        raise Unavailable(
            f"git {verb} did not end in time and was stopped.", hint="A very large repository or a slow disk is the usual cause."
        )
    if ended.code is not None and ended.code not in ok:
        raise Unavailable(f"git {verb} failed: {ended.said[-2000:] or ended.code}")


def plain_git(folder: Path, env: Mapping[str, str], argv: Sequence[str]) -> Program:
    """git where there is no repository."""
    return Program(argv=["git", "--no-pager", *_settings(), *argv], folder=folder, env=_clean(env))


def _clean(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if not name.startswith("GIT_") or name in _KEPT} | _ENV


def _settings() -> list[str]:
    return [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]


async def open_repository(folder: Path, env: Mapping[str, str]) -> Repository | None:
    """The repository this folder belongs to; None when there is none. Raises Unavailable when git refuses it."""
    clean, settings = _clean(env), _settings()
    asked = ("--show-object-format", "--show-prefix", "--git-path", "index", "--show-toplevel")
    argv = ["git", *settings, "rev-parse", *asked]
    printed, ended = await _collect(Program(argv=argv, folder=folder, env=clean), MOST_OUTPUT)
    if ended.code:
        if "dubious ownership" in ended.said:
            raise Unavailable(f"git refuses this repository:\n{ended.said}", hint="Run what git says in a terminal.")
        return None
    check("rev-parse", ended)
    kind, prefix, index, top = printed.data.decode("utf-8", "surrogateescape").rstrip("\n").split("\n", 3)
    if not await asyncio.to_thread(_is_beneath, folder, top):
        return None
    settings += await _unfiltered(settings, folder, clean)
    tree, file = _EMPTY[kind]
    return Repository(
        folder=folder,
        env=clean,
        settings=settings,
        prefix=prefix,
        index=folder / index,
        empty_tree=tree,
        empty_file=file,
    )


def _is_beneath(folder: Path, top: str) -> bool:
    """A repository can claim any folder to be its work tree; only one that this folder lies in is looked at."""
    return Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(top))


async def _unfiltered(settings: Sequence[str], folder: Path, env: Mapping[str, str]) -> list[str]:
    """Switches off the programs that the repository itself wants contents to go through; a person's own filters stay."""
    argv = ["git", *settings, "config", "--show-scope", "-z", "--name-only", "--get-regexp", r"^filter\."]
    printed, ended = await _collect(Program(argv=argv, folder=folder, env=env), 1 << 20)
    check("config", ended, (0, 1))
    fields = printed.fields
    names = {name for scope, name in zip(fields[::2], fields[1::2], strict=False) if scope in {"local", "worktree"}}
    off: list[str] = []
    for driver in sorted({name.rpartition(".")[0] for name in names}):
        if "=" in driver or "\n" in driver:
            raise Unavailable("This repository has a filter whose name cannot be switched off safely.")
        off += [word for key in ("clean", "smudge", "process") for word in ("-c", f"{driver}.{key}=")]
        off += ["-c", f"{driver}.required=false"]
    return off


async def _collect(program: Program, most: int) -> tuple[Printed, Ended]:
    data = bytearray()

    def take(piece: bytes) -> bool:
        data.extend(piece)
        return len(data) <= most

    ended = await read(program, take, DEADLINE_SECONDS)
    return Printed(data=bytes(data[:most]), cut=len(data) > most), ended
