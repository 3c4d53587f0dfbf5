"""What is different in a workspace: against its last commit, its default branch, or any other state.

New files that git does not know yet are looked at as if they had been added, in a copy of the index: so a file that was
moved without `git mv` is a rename as well. The repository itself is not touched.
"""

import asyncio
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from volundr.broker.files.roots import components, named
from volundr.broker.programs import read
from volundr.broker.repository import DEADLINE_SECONDS, Repository, check
from volundr.domain.errors import NotFound

MOST_FILES = 10_000
LARGE_LINES, LARGE_BYTES = 5_000, 400 * 1024
MOST_BYTES = 20 * 1024 * 1024
LAST_COMMIT, DEFAULT_BRANCH = "last_commit", "default_branch"
_COMPARE = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=dirty", "--submodule=short")
_DIFF = (*_COMPARE, "--relative", "-M", "-l400")
_PATCH = (*_DIFF, "-p", "-U3", "--src-prefix=a/", "--dst-prefix=b/")

type Status = Literal["added", "modified", "deleted", "renamed", "untracked", "conflict"]
_STATUS: dict[str, Status] = {"A": "added", "C": "added", "D": "deleted", "R": "renamed", "U": "conflict"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What the workspace is compared with."""

    ref: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """`large`: its patch is only given when asked for as a whole."""

    path: str
    old_path: str | None
    status: Status
    added: int = 0
    removed: int = 0
    binary: bool = False
    large: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """`base` is null without a commit; `repository` false without git. `truncated`: there are more files."""

    against: str
    repository: bool = True
    base: Base | None = None
    files: Sequence[ChangedFile] = ()
    added: int = 0
    removed: int = 0
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePatch:
    """A unified diff, "" when `large`. `bytes` is how long it is; of one that is too long for us, how much we looked at."""

    path: str
    old_path: str | None
    status: Status
    patch: str
    binary: bool
    large: bool
    bytes: int


async def changes(repository: Repository | None, against: str) -> Changes:
    """All changed files with their numbers, by path."""
    if repository is None:
        return Changes(against=against, repository=False)
    base = await _base(repository, against)
    async with _with_new_files(repository) as new:
        tree = base.commit if base else repository.empty_tree
        printed = await new.repository.git(*_DIFF, "--raw", "--numstat", "-z", tree, "--", ".")
    found = {one.path: one for one in _parse(printed.fields, new)}
    for folder in new.nested:
        found[folder] = ChangedFile(path=folder, old_path=None, status="untracked")
    files = sorted(found.values(), key=lambda one: one.path)
    return Changes(
        against=against,
        base=base,
        files=files[:MOST_FILES],
        added=sum(one.added for one in files),
        removed=sum(one.removed for one in files),
        truncated=printed.cut or new.truncated or len(files) > MOST_FILES,
    )


async def file_patch(repository: Repository | None, against: str, path: str, *, whole: bool) -> FilePatch:
    """How one file changed. Raises NotFound when it did not."""
    if repository is None or not components(path):
        raise NotFound("There is no git repository here." if repository is None else "This is no file.")
    base = await _base(repository, against)
    tree = base.commit if base else repository.empty_tree
    async with _with_new_files(repository) as new:
        printed = await new.repository.git(*_DIFF, "--raw", "-z", tree, "--", ".")
        found = {one.path: one for one in _parse(printed.fields, new)}.get(path)
        if found is None:
            raise NotFound(f"{path!r} is not changed.")
        paths = [path] if found.old_path is None else [found.old_path, path]
        keep = _Keep(MOST_BYTES if whole else LARGE_BYTES, None if whole else LARGE_LINES)
        ended = await read(new.repository.program(*_PATCH, tree, "--", *paths), keep.take, DEADLINE_SECONDS)
    check("diff", ended)
    return FilePatch(
        path=path,
        old_path=found.old_path,
        status=found.status,
        patch="" if keep.over else keep.data.decode("utf-8", "replace"),
        binary=b"\nBinary files " in bytes(keep.data[:20_000]).partition(b"\n@@ ")[0],
        large=keep.over,
        bytes=keep.size,
    )


class _Keep:
    """Keeps a patch that is small enough, and counts one that is not."""

    def __init__(self, most: int, lines: int | None) -> None:
        self._most, self._lines = most, lines
        self.data = bytearray()
        self.size = 0
        self.over = False

    def take(self, piece: bytes) -> bool:
        self.size += len(piece)
        if self._lines is not None:
            self._lines -= piece.count(b"\n")
        if self.size > self._most or (self._lines is not None and self._lines < 0):
            self.over = True
            del self.data[20_000:]
        else:
            self.data += piece
        return self.size <= MOST_BYTES


async def _base(repository: Repository, against: str) -> Base | None:
    """Raises NotFound when there is nothing of that name, Invalid when it cannot be a name."""
    head = await repository.find("HEAD")
    if against == LAST_COMMIT:
        return Base(ref="HEAD", commit=head) if head else None
    if against != DEFAULT_BRANCH:
        return Base(ref=against, commit=await repository.resolve(against))
    ref = await repository.default_branch()
    if not ref:
        if not head:
            return None
        raise NotFound(
            "This repository has no branch that looks like its default one.",
            hint="Compare with a branch by its name, or run: git remote set-head origin --auto",
        )
    tip = await repository.find(ref)
    common = (await repository.git("merge-base", head, tip, ok=(0, 1))).line if head else ""
    return Base(ref=ref.removeprefix("refs/heads/").removeprefix("refs/remotes/"), commit=common or tip)


@dataclass(frozen=True, slots=True, kw_only=True)
class _New:
    """`repository` sees the files that git does not know yet as added. `nested`: folders that are repositories themselves."""

    repository: Repository
    untracked: frozenset[str]
    conflicts: frozenset[str]
    nested: Sequence[str]
    truncated: bool


@asynccontextmanager
async def _with_new_files(repository: Repository) -> AsyncIterator[_New]:
    asked = ("-z", "-t", "--others", "--unmerged", "--exclude-standard")
    listed = await repository.git("ls-files", *asked, "--", ".", most=MOST_FILES * 400)
    names = [field[2:] for field in listed.fields if field.startswith("? ")]
    few = names[:MOST_FILES]
    files = [name for name in few if not name.endswith("/")]
    new = _New(
        repository=repository,
        untracked=frozenset(files),
        conflicts=frozenset(field.partition("\t")[2] for field in listed.fields if field.startswith("M ")),
        nested=[name.removesuffix("/") for name in few if name.endswith("/")],
        truncated=listed.cut or len(names) > MOST_FILES,
    )
    if not files:
        yield new
        return
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="volundr-index-"))
    try:
        entries = await asyncio.to_thread(_prepare, repository, folder / "index", files)
        beside = repository.beside(folder / "index")
        await beside.git("update-index", "-z", "--index-info", stdin=entries)
        yield replace(new, repository=beside)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _prepare(repository: Repository, index: Path, files: Sequence[str]) -> bytes:
    """Copy the index, with its time: git takes it as what came after every file it lists. Then the entries to add to it."""
    if repository.index.exists():
        shutil.copy2(repository.index, index)
    entries = bytearray()
    for file in files:
        name = named(file)
        try:
            mode = os.lstat(repository.folder / name).st_mode
        except OSError:
            continue
        kind = "120000" if stat.S_ISLNK(mode) else "100755" if mode & stat.S_IXUSR else "100644"
        entries += f"{kind} {repository.empty_file} 0\t".encode() + os.fsencode(repository.prefix + name) + b"\0"
    return bytes(entries)


def _parse(fields: Sequence[str], new: _New) -> Iterator[ChangedFile]:
    """From `--raw --numstat -z`: first what became of each file, then how many lines of each were added and removed."""
    found: dict[str, ChangedFile] = {}
    rest = iter(fields)
    for field in rest:
        if field.startswith(":"):
            letter = field.rpartition(" ")[2][:1]
            old = next(rest) if letter in "RC" else None
            path = next(rest)
            status = _STATUS.get(letter, "modified")
            if path in new.conflicts:
                status = "conflict"
            elif status == "added" and path in new.untracked:
                status = "untracked"
            found[path] = ChangedFile(path=path, old_path=old if letter == "R" else None, status=status)
            continue
        added, removed, path = field.split("\t", 2)
        if not path:
            next(rest)
            path = next(rest)
        if path in found:
            found[path] = _counted(found[path], added, removed)
    yield from found.values()


def _counted(file: ChangedFile, added: str, removed: str) -> ChangedFile:
    if added == "-":
        return replace(file, binary=True)
    more, less = max(file.added, int(added)), max(file.removed, int(removed))
    return replace(file, added=more, removed=less, large=more + less > LARGE_LINES)
