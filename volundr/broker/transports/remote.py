"""Agents that connect by themselves and speak NDJSON over a WebSocket, as Claude Code did with `--sdk-url`.

Nobody here starts or ends the process, and nothing is numbered on that wire: a line lost with its connection is lost.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence

from volundr.broker.events import Command, Exited
from volundr.broker.transports.links import KEEP_ALIVE, Link, LinkOwner, Links
from volundr.broker.transports.raw import RawLines
from volundr.broker.transports.transport import CLITransport, Dialect, Heard, Launch
from volundr.domain.errors import Unavailable
from volundr.process import Tasks

log = logging.getLogger(__name__)

CONNECT_SECONDS = 60.0
TAKE_SECONDS = 30.0


class RemoteTransport(CLITransport, LinkOwner):
    def __init__(self, session: str, secret: str, links: Links) -> None:
        self._session, self._secret, self._links = session, secret, links
        self._dialect: Dialect | None = None
        self._link: Link | None = None
        self._linked = asyncio.Event()
        self._line = 0
        self._raw = RawLines()
        self._written = -1
        self._lines: asyncio.Queue[tuple[Dialect, int, str] | Exited | None] = asyncio.Queue()
        self._tasks = Tasks()

    async def start(self, run: str, launch: Launch, dialect: Dialect) -> None:  # noqa: ARG002 - started elsewhere
        self._dialect, self._line, self._written = dialect, 0, -1
        self._links.open(self._session, self._secret, self, numbered=False)
        await self._put(dialect.opening(), CONNECT_SECONDS)

    async def adopt(self, run: str, dialect: Dialect, after: int) -> int | None:  # noqa: ARG002 - what it said meanwhile is lost
        return None

    async def tell(self, number: int, command: Command) -> None:
        if self._dialect is None:
            raise Unavailable("The agent is not running.")
        if number > self._written:
            await self._put(self._dialect.encode(command), TAKE_SECONDS)
            self._written = number

    async def hear(self) -> AsyncIterator[Sequence[Heard]]:
        while (item := await self._lines.get()) is not None:
            if isinstance(item, Exited):
                yield [Heard(self._line + 1, item)]
                continue
            dialect, number, line = item
            self._raw.note(number, line)
            batch = [Heard(number, event) for event in dialect.decode(line)]
            if replies := dialect.replies():
                await self._put(replies, TAKE_SECONDS)
            if batch:
                yield batch

    def settled(self, line: int) -> None:
        """That wire knows no such thing."""

    def raw(self, count: int) -> Sequence[tuple[int, str]]:
        return self._raw.last(count)

    async def stop(self, grace: float) -> None:  # noqa: ARG002 - closing the link is all there is
        self._links.close(self._session, self)
        if self._link is not None:
            await self._link.close()
        if self._dialect is not None:
            self._lines.put_nowait(Exited(code=None, wanted=True))
        self._lines.put_nowait(None)
        await self._tasks.close()

    async def serve(self, link: Link) -> None:
        if self._link is not None:
            await self._link.close()
        self._link = link
        self._linked.set()
        chatter = self._tasks.spawn(self._keep_alive(link), name="link chatter")
        try:
            while self._dialect is not None and self._link is link:
                for line in (await link.receive(limit=None)).split("\n"):
                    if line:
                        self._line += 1
                        self._lines.put_nowait((self._dialect, self._line, line))
        except ConnectionError as error:
            log.info("link to the agent ended", extra={"session": self._session, "cause": str(error)})
        finally:
            chatter.cancel()
            if self._link is link:
                self._link = None
                self._linked.clear()

    async def _put(self, lines: Sequence[str], limit: float) -> None:
        try:
            async with asyncio.timeout(limit):
                await self._linked.wait()
        except TimeoutError as error:
            raise Unavailable("The agent did not connect.", hint="Start it with the address of this session.") from error
        if self._link is not None and lines:
            await self._link.send("".join(f"{line}\n" for line in lines))

    async def _keep_alive(self, link: Link) -> None:
        while True:
            await asyncio.sleep(KEEP_ALIVE)
            await link.send('{"type":"keep_alive"}\n')
