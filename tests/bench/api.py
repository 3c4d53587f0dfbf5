"""How many times a second the forge lists its sessions. `python -m tests.bench.api`"""

import socket
import time
from dataclasses import dataclass

from tests.bench._kit import Row, cpu, percentile, printing_forge, show
from tests.e2e.forge import Forge

SECONDS = 4.0
STORED = 200


@dataclass(frozen=True, slots=True)
class Found:
    """`rate` is what one client saw; `of_core` what one core of the forge would do, whatever else the machine does."""

    rate: float
    of_core: float
    p99_ms: float


def hammer(forge: Forge, path: str) -> Found:
    """One connection, one request after the other, by a client that costs next to nothing."""
    host, _, port = forge.url.removeprefix("http://").partition(":")
    request = f"GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\nauthorization: Bearer {forge.token}\r\n\r\n".encode()
    spent, pid = [], forge.pid("forge")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        used, end = cpu(pid), time.perf_counter() + SECONDS
        while (begun := time.perf_counter()) < end:
            connection.sendall(request)
            _whole_answer(connection)
            spent.append(time.perf_counter() - begun)
        used = cpu(pid) - used
    return Found(len(spent) / sum(spent), len(spent) / used, percentile(spent, 99) * 1000)


def _whole_answer(connection: socket.socket) -> None:
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(1 << 20)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(1 << 20)


def main(forge: Forge) -> None:
    floor = hammer(forge, "/healthz")
    rows = []
    for number in range(STORED):
        forge.api("POST", "/sessions", {"name": f"s{number}", "agent": "claude", "start": False})
    for limit in (20, 100):
        found = hammer(forge, f"/api/v1/sessions?limit={limit}")
        what = f"list of {limit} of {STORED} sessions"
        rows.append(Row(what=f"{what}, one core", value=found.of_core, unit="1/s", floor=floor.of_core, budget="> 1,200"))
        rows.append(Row(what=f"{what}, one client", value=found.rate, unit="1/s", floor=floor.rate))
        rows.append(Row(what=f"{what}, p99", value=found.p99_ms, unit="ms", floor=floor.p99_ms, budget="< 50"))
    show("API; the floor is /healthz", rows)


if __name__ == "__main__":
    with printing_forge() as running:
        main(running)
