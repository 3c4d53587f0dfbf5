"""A RabbitMQ of one's own: own name, cookie, folder and ports, and nobody else's."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.door import free_socket

PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
MISSING = "Install Debian's package rabbitmq-server."
UP_SECONDS = 60


def free_port() -> int:
    with free_socket() as found:
        return int(found.getsockname()[1])


@dataclass
class Rabbit:
    folder: Path
    port: int
    dist: int
    names: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def start(self) -> None:
        (self.folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n")
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "ERL_EPMD_PORT": str(self.names),
            "RABBITMQ_NODENAME": f"volundr{self.port}@localhost",
            "RABBITMQ_DIST_PORT": str(self.dist),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
        }
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen([PROGRAM], env=env, stdout=out, stderr=out, start_new_session=True)

    async def up(self) -> None:
        async with asyncio.timeout(UP_SECONDS):
            while True:
                try:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.write(b"AMQP\x00\x00\x09\x01")
                    begun = await reader.read(1)
                    writer.close()
                    if begun:
                        return
                except OSError:
                    pass
                await asyncio.sleep(0.1)

    def end(self, how: signal.Signals) -> None:
        """All of it: the program is a script that starts the real one in its own process group."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)
        self.process.wait(30)
        self.process = None


@contextmanager
def rabbit(folder: Path) -> Iterator[Rabbit]:
    """Not started yet. Erlang's table of names is a process of ours too."""
    folder.mkdir()
    server = Rabbit(folder, free_port(), free_port(), free_port())
    names = subprocess.Popen(["epmd", "-port", str(server.names)], env={"PATH": os.environ["PATH"]}, stdout=subprocess.DEVNULL)
    try:
        yield server
    finally:
        if server.process is not None:
            server.end(signal.SIGKILL)
        names.terminate()
        names.wait(10)
