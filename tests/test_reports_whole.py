"""From an agent's turn to the forge's books: a real Skuld, a real forge's API over HTTP, and both may be away."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn

from tests.books import Desk, desk
from tests.conftest import sqlite_file
from tests.door import free_socket, serving
from tests.skuld_kit import Rig, skuld, until
from volundr.broker.events import Asked, Ready, TextDone, TurnEnded
from volundr.broker.frames import Send
from volundr.broker.journal import no_reply
from volundr.broker.leftovers import sweep
from volundr.broker.parts import Usage
from volundr.domain.sessions.model import Session
from volundr.domain.tickets import issue


def config(site: Desk) -> uvicorn.Config:
    return uvicorn.Config(site.api, lifespan="off", log_config=None)


async def begun(rig: Rig, site: Desk, session: Session, port: int) -> str:
    url = f"http://127.0.0.1:{port}/api/v1/sessions/{session.id}/activity"
    return await rig.new(str(session.id), report_url=url, secret=site.keys.session(session.id))


def say(rig: Rig, session: str, name: str, text: str) -> None:
    rig.skuld.manager.find(session).say(Send(id=name, text=text), "ann", no_reply)


async def soon(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await true():
            await asyncio.sleep(0.02)


def ended(output: int, *words: str) -> list[TextDone | TurnEnded]:
    said = [TextDone(id=f"a{output}", block=0, kind="text", text=word) for word in words]
    return [*said, TurnEnded(status="ok", usage=(Usage(model="big", output=output, cost_usd=0.5),))]


def test_a_question_is_in_the_one_list_until_it_is_answered(tmp_path: Path) -> None:
    async def story() -> None:
        sock = free_socket()
        port = sock.getsockname()[1]
        async with (
            sqlite_file(tmp_path) as db,
            desk(db, tmp_path / "forge", port) as site,
            skuld(tmp_path) as rig,
            serving(config(site), sock),
        ):
            known = await site.session()
            session = await begun(rig, site, known, port)
            say(rig, session, "m", "make it")
            asked = Asked(id="p/1", tool="Bash", title="Bash: make", input={"command": "make"}, scopes=("once", "session"))
            await until(lambda: bool(rig.world.of(session).told))
            rig.world.of(session).say(Ready(model="big"), asked)

            async def listed() -> list[str]:
                return [str(one["id"]) for one in (await site.get("permissions"))["items"]]

            await soon(lambda: _is(listed(), ["p/1"]))
            (item,) = (await site.get("permissions"))["items"]
            assert (item["session_name"], item["input"], item["scopes"]) == ("one", {"command": "make"}, ["once", "session"])
            ticket = issue(site.keys.session(known.id), session, "ann", time.time())
            path = f"/s/{session}/permissions/p/1"
            assert (await rig.http("POST", path, ticket, {"decision": "allow"}))[0] == 200
            await soon(lambda: _is(listed(), []))

    asyncio.run(story())


async def _is(asked: Awaitable[object], wanted: object) -> bool:
    return await asked == wanted


def test_what_happens_while_the_forge_is_away_is_told_when_it_is_back_also_of_a_stopped_session(tmp_path: Path) -> None:
    async def story() -> None:
        sock = free_socket()
        port = sock.getsockname()[1]
        async with sqlite_file(tmp_path) as db, desk(db, tmp_path / "forge", port) as site:
            known = await site.session()
            async with skuld(tmp_path) as rig:
                session = await begun(rig, site, known, port)
                agent = rig.world.of(session)

                async def turn(name: str, output: int) -> None:
                    say(rig, session, name, f"do {name}")
                    await until(lambda: rig.skuld.manager.find(session).journal.conversation.state.working)
                    agent.say(Ready(model="big"), *ended(output, f"did {name}"))
                    await until(lambda: not rig.skuld.manager.find(session).journal.conversation.state.working)

                async def output() -> int:
                    return sum(one.output for one in (await site.books.tokens.usage(known.id)).models)

                async with serving(config(site), sock):
                    await turn("one", 3)
                    await soon(lambda: _is(output(), 3))
                await turn("two", 5)
                begun_at = time.monotonic()
                await rig.skuld.manager.stop(session)
                assert time.monotonic() - begun_at < 6
                assert await output() == 3
                again = free_socket_at(port)
                async with serving(config(site), again):
                    assert await sweep(tmp_path, lambda name: name in rig.skuld.manager.names())
                    assert await output() == 8
                    story = await site.get(f"sessions/{known.id}/chronicle")
                    assert story["summary"] == "do one\n\ndid two"
                    assert story["messages"] == 4
                    lines = (await site.get(f"sessions/{known.id}/timeline"))["items"]
                    assert [line["title"] for line in lines] == ["do one", "did one", "do two", "did two"]

    asyncio.run(story())


def free_socket_at(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))
