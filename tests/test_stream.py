"""The event stream, and the broadcaster behind it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.types import ASGIApp, Message, Scope

from tests.forge import PORT, Site, in_forge
from volundr.api.stream import EventStream, _next, write
from volundr.domain.identity import Whose
from volundr.domain.sessions.model import Session
from volundr.domain.sessions.ports import Event
from volundr.local.broadcaster import LocalBroadcaster


def event(name: str) -> Event:
    session = Session(name=name, agent="demo")
    return Event(type="session", session_id=session.id, owner_id="local", tenant_id="default", session=session)


async def take(events: LocalBroadcaster, after: str, count: int) -> list[tuple[str, str | None]]:
    found = []
    async with asyncio.timeout(2):
        async for event_id, item in events.watch(after):
            found.append((event_id, item.session.name if item and item.session else None))
            if len(found) == count:
                break
    return found


def test_a_watcher_that_comes_back_gets_what_it_missed() -> None:
    async def main() -> None:
        events = LocalBroadcaster()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(take(events, "", 1))
            await asyncio.sleep(0)
            events.publish(event("a"))
        ((first, _),) = waiting.result()
        events.publish(event("b"))
        events.publish(event("c"))
        assert [name for _, name in await take(events, first, 2)] == ["b", "c"]

    asyncio.run(main())


def test_a_watcher_that_is_too_far_behind_is_told_to_begin_anew() -> None:
    async def main() -> None:
        events = LocalBroadcaster(kept=3)
        events.publish(event("a"))
        ((first, _),) = [item async for item in _first(events)]
        for name in "bcdefg":
            events.publish(event(name))
        assert (await take(events, first, 1))[0][1] is None
        assert (await take(events, "another-boot-7", 1))[0][1] is None

    asyncio.run(main())


async def _first(events: LocalBroadcaster) -> AsyncIterator[tuple[str, str | None]]:
    for item in await take(events, "unknown", 1):
        yield item


def test_an_event_has_an_id_a_name_and_one_line_of_data() -> None:
    text = write("x-1", event("a")).decode()
    assert text.startswith("id: x-1\nevent: session\ndata: {") and text.endswith("}\n\n")
    assert text.count("\n") == 4
    assert write("x-2", None) == b"id: x-2\nevent: resync\ndata: {}\n\n"


class Listener:
    """One client of /api/v1/stream, spoken to as a server would: a body piece at a time."""

    def __init__(self, app: ASGIApp, token: str, after: str = "") -> None:
        self._app = app
        self._pieces: asyncio.Queue[bytes] = asyncio.Queue()
        self._asked = False
        self.gone = asyncio.Event()
        headers = [(b"host", f"localhost:{PORT}".encode()), (b"authorization", b"Bearer " + token.encode())]
        headers += [(b"last-event-id", after.encode())] if after else []
        self._scope: Scope = {"type": "http", "method": "GET", "path": "/api/v1/stream", "query_string": b"", "headers": headers}
        self._text = ""

    async def run(self) -> None:
        await self._app(dict(self._scope), self._receive, self._send)

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = dict(message["headers"])
            assert (message["status"], headers[b"content-type"]) == (200, b"text/event-stream; charset=utf-8")
            assert b"content-length" not in headers
        else:
            self._pieces.put_nowait(message["body"])

    async def event(self) -> dict[str, str]:
        """The next event; comments and `retry` are skipped."""
        async with asyncio.timeout(3):
            while True:
                while "\n\n" in self._text:
                    block, _, self._text = self._text.partition("\n\n")
                    fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
                    if "event" in fields:
                        return fields
                self._text += (await self._pieces.get()).decode()


@asynccontextmanager
async def listening(site: Site, after: str = "") -> AsyncIterator[Listener]:
    listener = Listener(site.forge.app, (site.home / "token").read_text().strip(), after)
    task = site.forge.tasks.spawn(listener.run(), "listen")
    listener._text = (await listener._pieces.get()).decode()  # the stream is open; events may have come with it
    assert listener._text.startswith("retry: ")
    yield listener
    listener.gone.set()
    async with asyncio.timeout(3):
        await task


def test_the_stream_shows_sessions_as_get_does_and_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        async with listening(site) as one:
            made = (await site.http.post("/api/v1/sessions", json={"name": "a", "agent": "demo", "start": False})).json()
            first = await one.event()
            assert (first["event"], json.loads(first["data"])) == ("session", made)
        url = f"/api/v1/sessions/{made['id']}"
        renamed = (await site.http.patch(url, json={"name": "b"})).json()
        await site.http.delete(url)
        async with listening(site, after=first["id"]) as two:
            assert json.loads((await two.event())["data"]) == renamed
            last = await two.event()
            assert (last["event"], json.loads(last["data"])) == ("session_deleted", {"id": made["id"]})
        async with listening(site, after="another-boot-1") as three:
            assert (await three.event())["event"] == "resync"

    in_forge(tmp_path, scenario)


def test_nobody_hears_of_another_persons_sessions() -> None:
    async def main() -> None:
        events, heard = LocalBroadcaster(), asyncio.Queue[bytes]()
        who = Whose(tenant_id="default", owner_id="local")
        reading = asyncio.TaskGroup()
        async with reading:
            task = reading.create_task(EventStream(who, events, "")._read(heard))
            await asyncio.sleep(0)
            owners = (("theirs", "else", "default"), ("elsewhere", "local", "other"), ("mine", "local", "default"))
            for name, owner, tenant in owners:
                session = Session(name=name, agent="demo", owner_id=owner, tenant_id=tenant)
                events.publish(Event(type="session", session_id=session.id, owner_id=owner, tenant_id=tenant, session=session))
            async with asyncio.timeout(2):
                assert b'"mine"' in await heard.get()
            assert heard.empty()
            task.cancel()

    asyncio.run(main())


def test_silence_is_filled_with_comments_and_what_waits_leaves_in_one_piece() -> None:
    async def main() -> None:
        waiting: asyncio.Queue[bytes] = asyncio.Queue()
        assert await _next(waiting, 0.001) == b": still here\n\n"
        for piece in (b"a", b"b", b"c"):
            waiting.put_nowait(piece)
        assert await _next(waiting, 1) == b"abc"

    asyncio.run(main())


def test_a_client_that_does_not_read_costs_a_bounded_queue_and_then_resyncs() -> None:
    async def main() -> None:
        events = LocalBroadcaster(kept=8)
        waiting: asyncio.Queue[bytes] = asyncio.Queue(4)
        async with asyncio.TaskGroup() as group:
            stream = EventStream(Whose(tenant_id="default", owner_id="local"), events, "")
            task = group.create_task(stream._read(waiting))
            await asyncio.sleep(0)
            async with asyncio.timeout(2):
                for number in range(100):
                    events.publish(event("a"))
                    while number == 5 and not waiting.full():
                        await asyncio.sleep(0)
                assert waiting.full()
                while b"resync" not in await waiting.get():
                    pass
            task.cancel()

    asyncio.run(main())
