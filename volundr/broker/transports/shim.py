"""Agents that live under the shim and outlive Skuld."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from volundr.broker.events import Command, Exited
from volundr.broker.transports import control
from volundr.broker.transports.links import KEEP_ALIVE, Link, LinkOwner, Links
from volundr.broker.transports.raw import RawLines
from volundr.broker.transports.transport import CLITransport, Dialect, Heard, Launch
from volundr.domain.errors import Unavailable
from volundr.process import Tasks

log = logging.getLogger(__name__)

SHIM_SECONDS = 5.0
"""How long a run waits for a shim that is being started again."""
LINK_SECONDS = 15.0
"""How long the shim may take to connect."""
TAKE_SECONDS = 30.0
"""How long an agent may take to read a command."""
FORCE_SECONDS = 10.0
LAST_WORDS_SECONDS = 2.0
SETTLE_PAUSE = 0.05
MISSED_PAUSE = 0.2
SHIM_GONE = "The process that kept the agent was killed, and the agent with it."
OPENING = 0
"""The opening lines' number, below that of every command."""
NOTHING_WRITTEN = -1
EXIT = '{"type":"shim_exited"'
"""How the last line of a run begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Sockets: the shim's own, and Skuld's, to which the shim connects for each run."""

    shim: Path
    skuld: Path


@dataclass(slots=True)
class _Run:
    """`line` is the last one received, `settled` the last one in the log, `waiting` the commands not yet acknowledged.

    `replies` are what the agent must get because of a line of its own, by that line; the shim writes each once.
    """

    name: str
    dialect: Dialect
    line: int = 0
    settled: int = 0
    written: int = NOTHING_WRITTEN
    waiting: dict[int, tuple[str, asyncio.Future[None]]] = field(default_factory=dict)
    replies: dict[int, str] = field(default_factory=dict)
    met: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    link: Link | None = None


class ShimTransport(CLITransport, LinkOwner):
    def __init__(self, session: str, secret: str, where: Where, links: Links) -> None:
        self._session, self._secret = session, secret
        self._where = where
        self._links = links
        self._run: _Run | None = None
        self._frames: asyncio.Queue[tuple[_Run, str] | None] = asyncio.Queue()
        self._settled = asyncio.Event()
        self._raw = RawLines()
        self._tasks = Tasks()

    async def start(self, run: str, launch: Launch, dialect: Dialect) -> None:
        current = self._expect(_Run(run, dialect))
        request = {"op": "spawn", "session": self._session, "run": run, "link": str(self._where.skuld), "secret": self._secret}
        job = {"argv": list(launch.argv), "env": dict(launch.env), "cwd": str(launch.cwd)}
        try:
            await control.ask_coming(self._where.shim, {**request, **job}, SHIM_SECONDS)
            await self._open(current)
        except BaseException:
            self._run = None
            raise

    async def adopt(self, run: str, dialect: Dialect, after: int) -> int | None:
        current = self._expect(_Run(run, dialect, line=after, settled=after))
        if run not in await control.runs(self._where.shim, self._session):
            self._run = None
            return None
        await self._meet(current)
        if current.written == NOTHING_WRITTEN and not current.over.is_set():
            await self._open(current)
        return max(current.written, 0)

    async def tell(self, number: int, command: Command) -> None:
        run = self._run
        if run is None or run.over.is_set():
            raise Unavailable("The agent is not running.")
        lines, then = run.dialect.encode(command), run.dialect.after(command)
        if lines or then:
            await self._put(run, number, lines, then)

    async def hear(self) -> AsyncIterator[Sequence[Heard]]:
        while (item := await self._frames.get()) is not None:
            run, frame = item
            batch, replies = _decode(run.dialect, frame, self._raw)
            for line, text in replies:
                run.replies[line] = text
                if run.link is not None:
                    await run.link.send(text)
            if batch:
                yield batch

    def settled(self, line: int) -> None:
        if self._run is not None and line > self._run.settled:
            self._run.settled = line
            self._settled.set()

    def raw(self, count: int) -> Sequence[tuple[int, str]]:
        return self._raw.last(count)

    async def pid(self) -> int | None:
        run = self._run
        return None if run is None else await control.pid_of(self._where.shim, self._session, run.name)

    async def stop(self, grace: float) -> None:
        run = self._run
        try:
            if run is not None and not run.over.is_set():
                request = {"op": "stop", "session": self._session, "run": run.name, "grace": grace}
                await control.ask(self._where.shim, request, grace + FORCE_SECONDS)
                await self._last_words(run)
        finally:
            if run is not None:
                _give_up(run)
                if run.link is not None:
                    await run.link.send(_settled(run.line))
            self._links.close(self._session, self)
            self._frames.put_nowait(None)
            await self._tasks.close()

    async def serve(self, link: Link) -> None:
        try:
            await self._converse(link)
        except (ConnectionError, ValueError) as error:
            log.info("link to the shim ended", extra={"session": self._session, "cause": str(error)})
        finally:
            run = self._run
            if run is not None and run.link is link:
                run.link = None
                if not run.over.is_set():
                    self._tasks.spawn(self._miss(run), name="missing link")
            await link.close()

    async def _miss(self, run: _Run) -> None:
        """The link is gone. The shim connects again; a shim that was killed took the run with it, and another one says so."""
        while True:
            await asyncio.sleep(MISSED_PAUSE)
            if run.link is not None or run.over.is_set():
                return
            try:
                known = await control.runs(self._where.shim, self._session)
            except Unavailable:
                continue
            if run.name not in known and run.link is None and not run.over.is_set():
                run.line += 1
                self._frames.put_nowait((run, f'{run.line} {EXIT},"code":null,"stderr":"{SHIM_GONE}","wanted":false}}'))
                _give_up(run)
                return

    def _expect(self, run: _Run) -> _Run:
        """Make this the current run and let its link in."""
        if self._run is not None:
            _give_up(self._run)
        self._run = run
        self._links.open(self._session, self._secret, self, numbered=True)
        return run

    async def _meet(self, run: _Run) -> None:
        try:
            async with asyncio.timeout(LINK_SECONDS):
                await run.met.wait()
        except TimeoutError as error:
            raise Unavailable(
                "The shim started the agent but does not connect.", hint="`volundr logs shim` may show why."
            ) from error

    async def _open(self, run: _Run) -> None:
        """Write the opening lines. An agent that ends at once says why in its `Exited`."""
        await self._meet(run)
        if lines := run.dialect.opening():
            try:
                await self._put(run, OPENING, lines)
            except Unavailable:
                if not run.over.is_set():
                    raise

    async def _put(self, run: _Run, number: int, lines: Sequence[str], then: str = "") -> None:
        frame = json.dumps({"type": "input", "number": number, "lines": list(lines)} | ({"then": then} if then else {}))
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        run.waiting[number] = (frame, taken)
        try:
            async with asyncio.timeout(TAKE_SECONDS):
                if run.link is not None:
                    await run.link.send(frame)
                await taken
        except TimeoutError as error:
            raise Unavailable("The agent does not read what it is told.", hint="Stop the session and start it again.") from error
        finally:
            run.waiting.pop(number, None)

    async def _converse(self, link: Link) -> None:
        hello = json.loads(await link.receive())
        run = self._run
        if run is None or hello.get("run") != run.name:
            await link.send(_settled(int(hello["last"])))  # of an earlier run; nobody will ask for it
            return
        if run.link is not None:
            await run.link.close()
        run.link, run.written = link, int(hello["input"])
        await link.send(json.dumps({"type": "from", "line": run.line}))
        replied = int(hello.get("replied", 0))
        run.replies = {line: text for line, text in run.replies.items() if line > replied}
        for line in sorted(run.replies):
            await link.send(run.replies[line])
        for number in sorted(run.waiting):
            await self._resend(run, link, number)
        run.met.set()
        chatter = self._tasks.spawn(self._chat(run, link), name="link chatter")
        try:
            while run.link is link:
                self._receive(run, await link.receive())
        finally:
            chatter.cancel()

    async def _resend(self, run: _Run, link: Link, number: int) -> None:
        frame, taken = run.waiting[number]
        if number > run.written:
            await link.send(frame)
        elif not taken.done():
            taken.set_result(None)

    def _receive(self, run: _Run, message: str) -> None:
        if not message.startswith("{"):
            self._take(run, message)
            return
        said = json.loads(message)
        if said.get("type") == "replied":
            run.replies.pop(int(said["line"]), None)
        elif said.get("type") == "got":
            run.written = max(run.written, int(said["number"]))
            waiting = run.waiting.get(int(said["number"]))
            if waiting is not None and not waiting[1].done():
                waiting[1].set_result(None)

    def _take(self, run: _Run, frame: str) -> None:
        """Queue numbered lines for `hear`, which decodes them; the shim holds back what is too much (see `settled`)."""
        first = int(frame[: frame.index(" ")])
        last = first + frame.count("\n")
        if first <= run.line:
            log.warning("lines of the agent come twice", extra={"session": self._session, "line": first})
            frame = "\n".join(frame.split("\n")[run.line - first + 1 :])
        if last <= run.line:
            return
        run.line = last
        self._frames.put_nowait((run, frame))
        if frame.startswith(EXIT, frame.find(" ", frame.rfind("\n") + 1) + 1):
            _give_up(run)

    async def _chat(self, run: _Run, link: Link) -> None:
        """Tell what is settled, a little later and at once for many lines; and that we live."""
        told = 0
        while True:
            self._settled.clear()
            if run.settled > told:
                told = run.settled
                await link.send(_settled(told))
                await asyncio.sleep(SETTLE_PAUSE)
                continue
            try:
                async with asyncio.timeout(KEEP_ALIVE):
                    await self._settled.wait()
            except TimeoutError:
                await link.send('{"type":"keep_alive"}')

    async def _last_words(self, run: _Run) -> None:
        """Wait for the rest of the output; a shim that cannot deliver it in time is spoken for."""
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await run.over.wait()
        except TimeoutError:
            self._frames.put_nowait((run, f'{run.line + 1} {EXIT},"code":null,"stderr":"","wanted":true}}'))


def _settled(line: int) -> str:
    return json.dumps({"type": "settled", "line": line})


def _give_up(run: _Run) -> None:
    """The run is over: whoever waits for it need not."""
    run.over.set()
    for _, taken in run.waiting.values():
        if not taken.done():
            taken.set_exception(Unavailable("The agent ended before it was told."))


def _decode(dialect: Dialect, frame: str, raw: RawLines) -> tuple[Sequence[Heard], Sequence[tuple[int, str]]]:
    """What the lines mean, and what is to be written because of them."""
    batch: list[Heard] = []
    replies: list[tuple[int, str]] = []
    for numbered in frame.split("\n"):
        first, _, line = numbered.partition(" ")
        number = int(first)
        raw.note(number, line)
        if (exit_ := _exit_of(line)) is not None:
            batch.append(Heard(number, exit_))
            continue
        batch += [Heard(number, event) for event in dialect.decode(line)]
        if lines := dialect.replies():
            replies.append((number, json.dumps({"type": "reply", "line": number, "lines": list(lines)})))
    return batch, replies


def _exit_of(line: str) -> Exited | None:
    if not line.startswith(EXIT):
        return None
    match json.loads(line):
        case {"code": int() | None as code, "stderr": str(stderr), "wanted": bool(wanted)}:
            return Exited(code=code, wanted=wanted, error=stderr.strip())
        case _:
            return None
