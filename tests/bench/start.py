"""How soon the forge answers, what it weighs, and what one more session costs. `python -m tests.bench.start`"""

import http.client
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.bench._kit import Row, memory, printing_forge, show
from tests.e2e.forge import Forge, wait_for
from volundr.process import own_command

STARTS = 5
SESSIONS = 20


def answers(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False


def first_200(home: Path, port: int) -> float:
    """Seconds from the command to the first answer."""
    env = {**os.environ, "VOLUNDR_HOME": str(home)}
    begun = time.perf_counter()
    argv = [*own_command(), "up", "--no-open", "--port", str(port)]
    forge = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not answers(port):
        time.sleep(0.002)
    spent = time.perf_counter() - begun
    forge.terminate()
    forge.wait(30)
    return spent


def interpreter() -> float:
    """The floor: a Python that imports nothing of ours."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-c", "pass"], check=True)
    return time.perf_counter() - begun


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def starts() -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="volundr-bench-") as folder:
        home, port = Path(folder) / "home", free_port()
        first = first_200(home, port)
        again = median(first_200(home, port) for _ in range(STARTS))
    floor = median(interpreter() for _ in range(STARTS))
    return [
        Row(what="first start ever, to the first 200", value=first, unit="s", floor=floor, budget="< 1"),
        Row(what=f"later starts, median of {STARTS}", value=again, unit="s", floor=floor, budget="< 1"),
    ]


def weights(forge: Forge) -> dict[str, tuple[float, float]]:
    return {role: memory(forge.pid(role)) for role in ("forge", "skuld", "shim")}


def keepers(forge: Forge) -> float:
    """PSS of all processes that hold an agent: forks of the shim."""
    shim = forge.pid("shim")
    return sum(memory(pid)[0] for pid, command in forge.processes().items() if "volundr shim" in command and pid != shim)


def sizes() -> list[Row]:
    with printing_forge() as forge:
        forge.api("GET", "/sessions")
        before = weights(forge)
        rows = [Row(what=f"{role}: PSS", value=pss, unit="MB") for role, (pss, _) in before.items()]
        rows += [Row(what=f"{role}: RSS", value=rss, unit="MB") for role, (_, rss) in before.items()]
        whole = sum(pss for pss, _ in before.values())
        rows.append(Row(what="control plane: PSS of the three", value=whole, unit="MB", budget="< 80"))
        forge.session("warm", agent="claude")
        warm = sum(pss for pss, _ in weights(forge).values()) + keepers(forge)
        spent = []
        for number in range(SESSIONS):
            begun = time.perf_counter()
            forge.session(f"s{number}", agent="claude")
            spent.append(time.perf_counter() - begun)
        time.sleep(1)  # until what starting needed is freed: this is a measurement, not a test
        after = sum(pss for pss, _ in weights(forge).values()) + keepers(forge)
        rows.append(Row(what="one more session, agent not counted", value=(after - warm) / SESSIONS, unit="MB", budget="< 5"))
        rows.append(Row(what="one more session, until it is ready", value=median(spent), unit="s", budget="< 0.3"))
        wait_for("the list", lambda: len(forge.api("GET", "/sessions?limit=100")["items"]) == SESSIONS + 1)
    return rows


if __name__ == "__main__":
    show("Start", starts())
    show("Memory", sizes())
