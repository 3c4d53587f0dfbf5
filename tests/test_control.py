"""Control through a whole Skuld: uploads, queue, choices, forks, questions that nobody answers, an agent that is gone."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.skuld_kit import Rig, ScriptedAgent, ScriptedTransport, World, skuld, until
from volundr.broker.events import Adjust, Asked, Ready, Say, Steer, Taken, TextDone, ToolCalled, ToolOutput, TurnEnded
from volundr.broker.parts import Capabilities
from volundr.broker.vitals import FINE
from volundr.broker.watch import Watch
from volundr.domain.errors import Invalid, NotFound
from volundr.domain.sessions.definition import SessionDefinition
from volundr.domain.tickets import issue

ABLE = Capabilities(steer=True, model=True, mode=True, thinking=True, images=True, fork=True)
PIXEL = b"\x89PNG\r\n\x1a\n rest"


def run(folder: Path, story: Callable[[Rig], Coroutine[Any, Any, None]], **more: Any) -> None:
    async def main() -> None:
        async with skuld(folder, agent=ScriptedAgent(ABLE), **more) as rig:
            await story(rig)

    asyncio.run(main())


def ticket(session: str) -> str:
    return issue("s3", session, "ann", time.time())


async def upload(rig: Rig, session: str, name: str, media_type: str, body: bytes) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_unix_connection(str(rig.path))
    head = f"POST /s/{session}/attachments?name={name} HTTP/1.1\r\nhost: skuld\r\nconnection: close\r\n"
    head += f"authorization: Bearer {ticket(session)}\r\ncontent-type: {media_type}\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2]


def test_an_upload_goes_with_a_message_to_the_agent_and_can_be_looked_at(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        import json

        session = await rig.new()
        status, body = await upload(rig, session, "..%2Fa%20b.png", "image/png", PIXEL)
        about = json.loads(body)
        assert (status, about["name"], about["size"]) == (201, "a-b.png", len(PIXEL))
        assert (await upload(rig, session, "empty", "text/plain", b""))[0] == 422
        async with rig.client(session) as client:
            await client.send(type="send", id="m", text="", attachments=[about["id"]])
            assert (await client.wait("user_message"))["attachments"] == [about]
            await client.send(type="send", id="n", text="x", attachments=["0" * 32])
            assert "no such attachment" in (await client.wait("rejected", id="n"))["error"]
            await until(lambda: bool(rig.world.of(session).told))
        [said] = rig.world.of(session).told.values()
        assert isinstance(said, Say)
        [file] = said.attached["m"]
        assert Path(file.path).read_bytes() == PIXEL
        assert file.data
        answer = await _get(rig, session, f"attachments/{about['id']}")
        assert answer.endswith(PIXEL)
        assert b"x-content-type-options: nosniff" in answer
        for wrong in ("f" * 32, "..", "x"):
            assert b" 404 " in (await _get(rig, session, f"attachments/{wrong}"))[:30]

    run(tmp_path, story)


async def _get(rig: Rig, session: str, path: str) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(rig.path))
    head = f"GET /s/{session}/{path} HTTP/1.1\r\nhost: skuld\r\nconnection: close\r\nauthorization: Bearer {ticket(session)}"
    writer.write(f"{head}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return answer


def test_steering_choosing_and_the_queue_over_the_socket(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        process = rig.world.of(session)
        process.say(Ready(native="n", model="big", mode="ask"))
        async with rig.client(session) as client, rig.client(session) as other:
            hello = await client.wait("hello")
            assert hello["capabilities"]["steer"]
            await client.send(type="send", id="a", text="work")
            await client.wait("turn_started")
            await client.send(type="send", id="b", text="later")
            await client.send(type="send", id="c", text="never")
            await client.send(type="send", id="d", text="now", steer=True)
            await client.send(type="edit", id="b", text="better")
            await client.send(type="remove", id="c")
            await client.send(type="choose", mode="plan")
            await other.wait("message_edited", id="b", text="better", by="ann")
            await other.wait("message_removed", id="c")
            await other.wait("chosen", mode="plan")
            await until(lambda: len(process.told) == 3)
            said = list(process.told.values())
            assert said[1] == Steer(message=("d", "now"))
            assert isinstance(said[2], Adjust)
            process.say(Taken(id="d"), Ready(mode="plan"), TurnEnded(status="ok"))
            await other.wait("agent_state", mode="plan")
            await until(lambda: len(process.told) == 4)
            assert list(process.told.values())[-1] == Say(messages=(("b", "better"),))
            await client.send(type="choose", model="")
            await client.wait("rejected")

    run(tmp_path, story)


def test_what_a_tool_prints_is_seen_live_and_by_who_comes_later(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        process = rig.world.of(session)
        async with rig.client(session) as client:
            await client.wait("caught_up")
            process.say(Ready(native="n"), ToolCalled(id="t", name="Bash", title="make"))
            for piece in ("one ", "two "):
                process.say(ToolOutput(id="t", text=piece))
            assert (await client.wait("output", text="two "))["offset"] == 4
            async with rig.client(session) as late:
                assert (await late.wait("output"))["text"] == "one two "

    run(tmp_path, story)


def test_a_fork_begins_with_the_conversation_and_the_agents_own_id(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        first = await rig.new()
        process = rig.world.of(first)
        process.say(Ready(native="n1"))
        async with rig.client(first) as client:
            await client.send(type="send", id="a", text="remember")
            await client.wait("turn_started")
            process.say(TextDone(id="x", block=0, kind="text", text="I will."), TurnEnded(status="ok"))
            await client.wait("turn_finished")
            await client.send(type="send", id="b", text="half")
            await client.wait("turn_started", turn=2)
        assert (await upload(rig, first, "a.txt", "text/plain", b"kept"))[0] == 201
        second = await rig.new(fork_of=first)
        assert rig.agent.jobs[-1].resume == "n1"
        assert rig.agent.jobs[-1].fork
        async with rig.client(second) as client:
            forked = await client.wait("forked", session=first)
            assert forked["native"] == "n1"
            assert (await client.wait("activity"))["activity"]["state"] == "starting"
            await client.wait("agent_message", text="I will.")
            rig.world.of(second).say(Ready(native="n2"))
            await client.wait("agent_state", native="n2")
        await rig.skuld.manager.stop(second)
        await rig.new(second, fork_of=first)  # started again: it has a conversation of its own by now
        await until(lambda: len(rig.agent.jobs) == 3)
        assert (rig.agent.jobs[-1].resume, rig.agent.jobs[-1].fork) == ("n2", False)
        with pytest.raises(Invalid, match="no conversation"):
            await rig.new(fork_of="00000000-0000-4000-8000-000000000000")

    run(tmp_path, story)


def test_a_definition_says_how_a_session_is_run(tmp_path: Path) -> None:
    plain = SessionDefinition(name="quick", agent="scripted", transport="per_message", model="small", env={"A": "1"})

    async def story(rig: Rig) -> None:
        await rig.skuld.manager.start(_spec("one", agent="", transport="", definition="quick"))
        broker = rig.skuld.manager.find("one")
        assert (broker.spec.agent, broker.spec.transport, broker.spec.model) == ("scripted", "per_message", "small")
        assert broker.spec.env["A"] == "1"
        with pytest.raises(Invalid, match="no session definition"):
            await rig.skuld.manager.start(_spec("two", definition="unknown"))
        with pytest.raises(Invalid, match="transport"):
            await rig.skuld.manager.start(_spec("three", transport="stdio"))
        with pytest.raises(NotFound):
            rig.skuld.manager.find("two")

    run(tmp_path, story, definitions={"quick": plain})


def _spec(session: str, **more: Any) -> Any:
    from volundr.domain.sessions.spec import SessionSpec

    return SessionSpec(**({"session_id": session, "name": "n", "agent": "scripted", "workspace": "/", "secret": "s"} | more))


def test_a_question_that_nobody_answers_in_time_is_denied_with_a_word(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        process = rig.world.of(session)
        broker = rig.skuld.manager.find(session)
        async with rig.client(session) as client:
            process.say(Ready(native="n"), Asked(id="q", tool="Bash", title="Bash: make", input={}))
            await client.wait("permission_raised")
            patient = Watch(lambda: [broker], 3600)
            await patient.look(broker)
            assert (await client.wait("diagnosis"))["action"] == "answer"
            broker.journal.conversation.state.asked_at["q"] = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
            await patient.look(broker)
            decided = await client.wait("permission_decided", id="q")
            assert decided["decision"] == "deny"
            assert "60 minutes" in decided["message"]
            await client.wait("permission_delivered", id="q")
            await patient.look(broker)
            assert broker.diagnosis == FINE

    run(tmp_path, story)


def test_a_process_that_is_gone_without_a_word_ends_the_turn_after_the_second_look(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        broker = rig.skuld.manager.find(session)
        rig.world.of(session).say(Ready(native="n"))
        alive = subprocess.Popen(["sleep", "60"])
        pid_of(rig, alive.pid)
        async with rig.client(session) as client:
            await client.send(type="send", id="a", text="work")
            await client.wait("turn_started")
            watch = Watch(lambda: [broker])
            for _ in range(3):
                await watch.look(broker)
            assert broker.journal.conversation.state.working
            os.kill(alive.pid, signal.SIGKILL)
            alive.wait()
            await watch.look(broker)
            assert broker.journal.conversation.state.working, "one look may be wrong"
            assert (await client.wait("diagnosis", finding="dead"))["action"] == "restart"
            await watch.look(broker)
            assert (await client.wait("turn_finished"))["status"] == "interrupted"

    class Known(ScriptedTransport):
        pid_known: int | None = None

        async def pid(self) -> int | None:
            return type(self).pid_known

    def pid_of(rig: Rig, pid: int) -> None:
        Known.pid_known = pid

    world = World()

    async def main() -> None:
        async with skuld(tmp_path, world, ScriptedAgent(ABLE)) as rig:
            rig.skuld.manager._around = _with_transport(rig, lambda spec: Known(world, spec.session_id))
            await story(rig)

    asyncio.run(main())


def _with_transport(rig: Rig, make: Callable[[Any], Any]) -> Any:
    from dataclasses import replace

    return replace(rig.skuld.manager._around, transport=make)
