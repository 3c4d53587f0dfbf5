"""The event stream, and the broadcaster behind it."""

import asyncio

from volundr.api.stream import write
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


async def _first(events: LocalBroadcaster):
    for item in await take(events, "unknown", 1):
        yield item


def test_an_event_has_an_id_a_name_and_one_line_of_data() -> None:
    text = write("x-1", event("a")).decode()
    assert text.startswith("id: x-1\nevent: session\ndata: {") and text.endswith("}\n\n")
    assert text.count("\n") == 4
    assert write("x-2", None) == b"id: x-2\nevent: resync\ndata: {}\n\n"
