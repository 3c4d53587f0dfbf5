"""The folder `run/`: which of our processes live, where they listen, and who may be the forge of this home."""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from volundr import __version__
from volundr.domain.errors import Conflict
from volundr.local.secrets import private_folder, secret_file, write_private
from volundr.process import Running, start_time

LONGEST_SOCKET_PATH = 100


def prepare(home: Path) -> None:
    """Make the home folder and those that the processes share. Raises Forbidden when others can look into them."""
    for folder in (home, home / "run", home / "logs"):
        private_folder(folder)


def socket_path(home: Path, name: str) -> Path:
    """Where the process of this name listens. A long path goes to a private folder, since the kernel takes 107 bytes."""
    path = home / "run" / f"{name}.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = sha256(os.fsencode(home)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"volundr-{os.getuid()}-{digest}"
    return private_folder(folder) / f"{name}.sock"


def place(home: Path) -> str:
    """A name for this home that no other has, also none on another machine: what ran here is known by it."""
    return secret_file(home / "place")


def write(home: Path, name: str, running: Running) -> None:
    """Replace `run/<name>.json` at once: a reader sees the old one or the new one."""
    write_private(home / "run" / f"{name}.json", json.dumps(asdict(running)))


def read(home: Path, name: str) -> Running | None:
    """What `run/<name>.json` says; None when it says nothing that can be read. Whether that process lives is another question."""
    try:
        return Running(**json.loads((home / "run" / f"{name}.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None


def forget(home: Path, name: str, running: Running) -> None:
    """Remove the file if it still speaks of this process."""
    if read(home, name) == running:
        (home / "run" / f"{name}.json").unlink(missing_ok=True)


def myself(address: str = "", key: str = "token") -> Running:
    """This process, as its run file tells it."""
    return Running(pid=os.getpid(), start_time=start_time(os.getpid()) or 0, address=address, version=__version__, key=key)


@contextmanager
def sole_forge(home: Path) -> Iterator[None]:
    """Be the only forge of this home while the block lasts; Conflict when there is one. A dead one's lock is free."""
    handle = os.open(home / "run" / "forge.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            other = read(home, "forge")
            where = f" at {other.address} (process {other.pid})" if other and other.alive() else ""
            raise Conflict(
                f"A forge already runs on {home}{where}.", hint="End it with `volundr down`, or give this one a home of its own."
            ) from error
        yield
    finally:
        os.close(handle)
