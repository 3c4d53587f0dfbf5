"""A port to listen on, and who has it when it is taken."""

import errno
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from volundr.domain.errors import Unavailable

NEXT_PORTS = 50
LISTENING = "0A"


def bind(host: str, port: int, *, exact: bool) -> socket.socket:
    """A socket that listens on this port; when it is taken and not `exact`, on the next free one. Raises Unavailable."""
    for wanted in [port] if exact or not port else [*range(port, min(port + NEXT_PORTS, 65536)), 0]:
        try:
            return _bind(host, wanted)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise Unavailable(
                    f"Volundr cannot listen on {host} port {wanted}: {error.strerror}.",
                    hint="Choose another: volundr up --port 8081",
                ) from error
    raise Unavailable(f"Port {port} is taken{owner(port)}.", hint="Let Volundr choose a free one: volundr up --port 0")


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
        if port and host == "127.0.0.1":
            _refuse_shared_name(port)
    except OSError:
        listener.close()
        raise
    return listener


def _refuse_shared_name(port: int) -> None:
    """A browser that is told `localhost` tries ::1 first: what listens there on this port would get our visitors."""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("::1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise


def own_address(host: str, port: int) -> str:
    """How this machine itself reaches what listens there."""
    name = "localhost" if host in {"0.0.0.0", "::", "127.0.0.1"} else names(host)[0]  # noqa: S104 - compared, not bound
    return f"http://{name}:{port}"


def names(host: str) -> Sequence[str]:
    """What others may call a machine that listens on this host: its own name and addresses, when it listens on all."""
    if host not in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        return [f"[{host}]" if ":" in host else host]
    own = socket.gethostname().lower()
    found = {own}
    with suppress(OSError):
        for family, *_, address in socket.getaddrinfo(own, None, type=socket.SOCK_STREAM):
            found.add(f"[{address[0]}]" if family == socket.AF_INET6 else str(address[0]))
    return sorted(found)


def owner(port: int) -> str:
    """` (by nginx, process 812)` when that can be found out, else nothing."""
    inodes = _listening(port)
    if not inodes:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for handle in (process / "fd").iterdir():
                with suppress(OSError):
                    if str(handle.readlink()) in inodes:
                        return f" (by {(process / 'comm').read_text().strip()}, process {process.name})"
    return ""


def _listening(port: int) -> set[str]:
    """The sockets that listen on this port, as /proc/<pid>/fd names them."""
    found: set[str] = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                columns = line.split()
                if columns[3] == LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{columns[9]}]")
    return found
