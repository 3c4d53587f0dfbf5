"""The secrets in Volundr's home folder: made once, readable by their owner only, and refused when others can read them."""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from volundr.domain.errors import Forbidden, Unavailable

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def private_folder(path: Path) -> Path:
    """This folder, made if it is missing. Raises Forbidden when it belongs to somebody else or others can look in."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"The folder {path} cannot be made: {error.strerror}.", hint="Set VOLUNDR_HOME to a folder of yours."
        ) from error
    _check(path, path.stat(), 0o700)
    return path


def secret_file(path: Path, prefix: str = "") -> str:
    """What the file holds: `prefix` and 32 random bytes in hex. The first caller makes it; of many at once all get the same."""
    for _ in range(2):
        try:
            return _read(path)
        except FileNotFoundError:
            _make(path, prefix + secrets.token_hex(32))
    return _read(path)


def write_private(path: Path, text: str) -> None:
    """Replace a 0600 file in one step: a reader finds the old text or the new one, never half of it, and nobody else any."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        _write(fresh, text)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def read_private(path: Path) -> str | None:
    """The text of a private file, None when there is none. Raises Forbidden as `private_folder` does."""
    try:
        return _text(path)
    except FileNotFoundError:
        return None


def _make(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    _write(fresh, text)
    try:
        os.link(fresh, path)  # fails when another process was faster: its secret counts
    except FileExistsError:
        pass
    except OSError:  # a file system without links
        with suppress(FileExistsError):
            _write(path, text)
    finally:
        fresh.unlink()


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _read(path: Path) -> str:
    text = _text(path).strip()
    if len(text) < 32:
        raise Unavailable(f"The file {path} holds no secret.", hint=f"Delete it to get a new one: rm {path}")
    return text


def _text(path: Path) -> str:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        hint = f"It has to be a file of yours: sudo chown {os.geteuid()} {path}"
        raise Forbidden(f"{path} cannot be read: {error.strerror}.", hint=hint) from error
    with os.fdopen(handle, "r") as file:
        _check(path, os.fstat(file.fileno()), 0o600)
        return file.read()


def _check(path: Path, found: os.stat_result, mode: int) -> None:
    if found.st_uid != os.geteuid():
        raise Forbidden(
            f"{path} belongs to another user (id {found.st_uid}).", hint=f"Make it yours: sudo chown {os.geteuid()} {path}"
        )
    if found.st_mode & _OTHERS:
        raise Forbidden(f"{path} can be read by other users.", hint=f"Close it: chmod {mode:o} {path}")
