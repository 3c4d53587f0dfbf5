"""Where a path of a client leads, without ever leaving the root: one component at a time, through descriptors.

No path is checked and then opened: what a component is, is decided by opening it (`O_NOFOLLOW`) in the folder that is
already open. A link is followed by hand as long as it stays beneath the root.
"""

import errno
import os
import stat
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from volundr.domain.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable, VolundrError

type RootName = Literal["workspace", "home"]

LONGEST_PATH = 4096
MOST_LINKS = 40
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_BYTES = {0xDC80 + n: 0xEF80 + n for n in range(128)}
"""Names are bytes; those that are no UTF-8 travel as characters of the private use area, and back."""
_CHARACTERS = {shown: raw for raw, shown in _BYTES.items()}


def shown(name: str) -> str:
    """A name of the file system as text that every JSON parser takes."""
    return name.translate(_BYTES)


def named(text: str) -> str:
    """The name of the file system that `shown` made this text of."""
    return text.translate(_CHARACTERS)


def decoded(name: bytes) -> str:
    return shown(name.decode("utf-8", "surrogateescape"))


@dataclass(frozen=True, slots=True)
class Access:
    """Whether people may see the agent's home folder. On a laptop that is the person's own, so it takes a setting."""

    home_allowed: bool = False


def root_folder(name: RootName, workspace: str, env: Mapping[str, str], access: Access) -> Path:
    """The folder behind a root's name. Raises Forbidden for a home that is not offered, NotFound when there is none."""
    if name == "workspace":
        if not workspace:
            raise NotFound("This session has no workspace.")
        return Path(workspace)
    if not access.home_allowed:
        raise Forbidden(
            "The agent's home folder is not offered here: it is the home of whoever runs this forge.",
            hint="Use the workspace, or allow it in the settings of this forge.",
        )
    home = env.get("HOME", "")
    if not os.path.isabs(home):
        raise NotFound("The agent of this session has no home folder.")
    return Path(home)


def components(path: str) -> tuple[str, ...]:
    """The names in a client's path; () is the root. Raises Invalid for whatever could mean something else."""
    if "\0" in path:
        raise Invalid("A path cannot contain a NUL character.")
    if len(path.encode("utf-8", "surrogatepass")) > LONGEST_PATH:
        raise Invalid(f"This path is too long: at most {LONGEST_PATH} bytes.")
    if any(0xD800 <= ord(char) <= 0xDFFF for char in path):
        raise Invalid("This path is no valid text.")
    if path.startswith("/"):
        raise Invalid("A path starts at its root, without a slash.")
    names = path.removesuffix("/").split("/") if path else []
    if any(name in {"", ".", ".."} for name in names):
        raise Invalid("A path cannot contain '.', '..' or an empty name.")
    return tuple(named(name) for name in names)


@dataclass(frozen=True, slots=True)
class Place:
    """A name in an opened folder. It is "." when the path is the root, or a link that ends on a folder passed before."""

    folder: int
    name: str

    def status(self) -> os.stat_result:
        return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)

    def find(self) -> os.stat_result | None:
        try:
            return self.status()
        except FileNotFoundError:
            return None

    def open_folder(self) -> int:
        return os.open(self.name, _FOLDER, dir_fd=self.folder)


@contextmanager
def place(root: Path, path: str, *, follow: bool = True) -> Iterator[Place]:
    """Where this path leads; its last name need not exist. `follow`: not to a link, but to what it points at.

    What the block raises of the operating system becomes an error for people.
    """
    names = components(path)
    with explained(path):
        try:
            start = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound("The folder of this session is not there any more.") from error
        walk = _Walk(root, start)
        try:
            yield walk.to(names, follow)
        finally:
            walk.close()


class _Walk:
    """The folders from the root to where we are, all open: `..` in a link goes back to the one we came through."""

    def __init__(self, root: Path, start: int) -> None:
        self._root = root
        self._open = [start]
        self._links = 0

    def close(self) -> None:
        while self._open:
            os.close(self._open.pop())

    def to(self, names: tuple[str, ...], follow: bool) -> Place:
        left = deque(names)
        while left:
            name = left.popleft()
            if name == "..":
                self._up()
            elif (follow or left) and (target := self._link(name)) is not None:
                left.extendleft(reversed(self._steps(target)))
            elif left:
                self._open.append(Place(self._open[-1], name).open_folder())
            else:
                return Place(self._open[-1], name)
        return Place(self._open[-1], ".")

    def _up(self) -> None:
        if len(self._open) == 1:
            raise _outside()
        os.close(self._open.pop())

    def _link(self, name: str) -> str | None:
        try:
            return os.readlink(name, dir_fd=self._open[-1])
        except OSError as error:
            if error.errno in {errno.EINVAL, errno.ENOENT}:
                return None
            raise

    def _steps(self, target: str) -> list[str]:
        self._links += 1
        if self._links > MOST_LINKS:
            raise Invalid("This link leads in a circle.")
        if target.startswith("/"):
            target = self._beneath(target)
            while len(self._open) > 1:
                os.close(self._open.pop())
        return [step for step in target.split("/") if step not in {"", "."}]

    def _beneath(self, target: str) -> str:
        """An absolute target as a path from the root: it is walked like any other, so this only has to guess well."""
        for root in {str(self._root), os.path.realpath(self._root)}:
            if target == root or target.startswith(f"{root.rstrip('/')}/"):
                return target[len(root) :]
        raise _outside()


def _outside() -> Forbidden:
    return Forbidden("This link leads out of the folder that is shown here, and is not followed.")


@contextmanager
def explained(path: str) -> Iterator[None]:
    """Turn what the operating system says about this path into something a user can act on."""
    try:
        yield
    except OSError as error:
        raise _told(error, path) from error


def _told(error: OSError, path: str) -> VolundrError:
    what = path or "The folder"
    match error.errno:
        case errno.ENOENT:
            return NotFound(f"There is no {path!r}.")
        case errno.ENOTDIR:
            return NotFound(f"There is no {path!r}: a part of it is no folder.")
        case errno.EACCES | errno.EPERM:
            return Forbidden(f"{what}: the system does not allow it to the user that runs this session.")
        case errno.EEXIST | errno.ENOTEMPTY | errno.EISDIR | errno.ELOOP | errno.EBUSY | errno.ETXTBSY:
            return Conflict(f"{what}: {error.strerror}.")
        case errno.ENAMETOOLONG | errno.EINVAL | errno.EXDEV | errno.EILSEQ:
            return Invalid(f"{what}: {error.strerror}.")
        case _:
            return Unavailable(f"{what}: {error.strerror}.", hint="Is the disk full or read-only?")


def kind_of(mode: int) -> Literal["file", "folder", "link", "other"]:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "other"
