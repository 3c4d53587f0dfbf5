"""Skuld over real sockets, with scripted agents that outlive it."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed

from tests.skuld_kit import KEY, Client, Rig, ScriptedAgent, World, skuld, until
from volundr.broker.events import Answer, Asked, Break, Exited, Ready, Say, TextDelta, TextDone, ToolCalled, TurnEnded
from volundr.broker.parts import Rule, Scope
from volundr.domain.tickets import issue

type Story = Callable[[Rig], Awaitable[None]]


def play(home: Path, story: Story, **more: Any) -> None:
    async def told() -> None:
        async with skuld(home, **more) as rig:
            await story(rig)

    asyncio.run(told())


def ask(name: str, **more: Any) -> Asked:
    scopes: Sequence[Scope] = ("once", "session", "always")
    return Asked(id=name, tool="Bash", title=name, input={}, rules=(Rule(tool="Bash", subject="make"),), scopes=scopes, **more)


async def said(rig: Rig, client: Client, session: str, name: str) -> None:
    """A message that is stored and has reached the agent."""
    await client.send(type="send", id=name, text=f"text {name}")
    await client.wait("stored", id=name)
    await until(lambda: any(isinstance(told, Say) for told in rig.world.of(session).told.values()))


async def closed(client: Client) -> int:
    try:
        while True:
            await client.read()
    except ConnectionClosed as end:
        return end.rcvd.code if end.rcvd else 1006


def test_a_message_goes_to_the_agent_and_its_answer_to_everybody(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        async with rig.client(session) as ann, rig.client(session, by="bob") as bob:
            await ann.wait("caught_up")
            await bob.wait("caught_up")
            await said(rig, ann, session, "m1")
            process = rig.world.of(session)
            assert list(process.told.values()) == [Say(messages=(("m1", "text m1"),))]
            process.say(Ready(native="n1", model="big"))
            process.say(TextDelta(id="a", block=0, kind="text", text="Hi "))
            process.say(TextDelta(id="a", block=0, kind="text", text="there"))
            assert (await bob.wait("delta", offset=3))["text"] == "there"
            process.say(TextDone(id="a", block=0, kind="text", text="Hi there"))
            process.say(TurnEnded(status="ok"))
            await bob.wait("turn_finished", status="ok")
            await ann.wait("turn_finished")
            assert ann.records() == bob.records()
            assert [r["seq"] for r in ann.records()] == list(range(1, len(ann.records()) + 1))
            await ann.wait("activity", activity={"state": "idle", "what": "", "since": ann.records()[-1]["at"]})
            await until(lambda: process.settled == len(process.lines))

    play(tmp_path, story)


def test_who_attaches_in_the_middle_gets_all_of_the_unfinished_block_and_then_goes_on(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        async with rig.client(session) as ann:
            await said(rig, ann, session, "m")
            for piece in ("one ", "two ", "three"):
                rig.world.of(session).say(TextDelta(id="a", block=0, kind="text", text=piece))
            await ann.wait("delta", text="three")
            async with rig.client(session) as late:
                caught = await late.wait("caught_up")
                kinds = [frame["type"] for frame in late.frames]
                assert kinds == ["hello", "agent_state", "user_message", "turn_started", "delta", "activity", "caught_up"]
                assert late.frames[4]["text"] == "one two three"
                assert late.frames[4]["offset"] == 0
                assert caught["seq"] == 3
                rig.world.of(session).say(TextDelta(id="a", block=0, kind="text", text="!"))
                assert (await late.wait("delta", text="!"))["offset"] == 13

    play(tmp_path, story)


def test_a_client_goes_on_after_the_record_it_has_and_another_epoch_begins_anew(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        async with rig.client(session) as ann:
            for number in range(5):
                await ann.send(type="send", id=str(number), text="x")
                await ann.wait("stored", id=str(number))
            epoch = ann.frames[0]["epoch"]
        async with rig.client(session, epoch=epoch, after=4) as ann:
            await ann.wait("caught_up")
            assert [r["seq"] for r in ann.records()] == [5, 6, 7]
        async with rig.client(session, epoch="another", after=4) as ann:
            await ann.wait("caught_up")
            assert [f["type"] for f in ann.frames[:2]] == ["hello", "resync"]
            assert [r["seq"] for r in ann.records()] == [1, 2, 3, 4, 5, 6, 7]
        async with rig.client(session, tail=2) as ann:
            await ann.wait("caught_up")
            assert [r["seq"] for r in ann.records()] == [6, 7]

    play(tmp_path, story)


def test_permissions_show_everywhere_the_first_answer_wins_and_the_agent_gets_it_once(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        async with rig.client(session) as ann, rig.client(session, by="bob") as bob:
            await said(rig, ann, session, "m")
            process = rig.world.of(session)
            process.say(ask("p", native={"request": 7}))
            await bob.wait("permission_raised", id="p")
            await ann.wait("permission_raised", id="p")
            await bob.send(type="decide", id="p", decision="allow", scope="always")
            await ann.wait("permission_decided", by="bob")
            await ann.send(type="decide", id="p", decision="deny")
            assert (await ann.wait("rejected", id="p"))["error"] == "This was already decided by bob."
            await ann.wait("permission_delivered", id="p")
            answers = [told for told in process.told.values() if isinstance(told, Answer)]
            assert len(answers) == 1
            assert answers[0].native == {"request": 7}
            await until((tmp_path / "always.json").exists)
        kept = json.loads((tmp_path / "always.json").read_text())
        assert kept == {"": [{"tool": "Bash", "subject": "make"}]}
        other = await rig.new()
        async with rig.client(other) as ann:
            rig.world.of(other).say(ask("q"))
            assert (await ann.wait("permission_decided", id="q"))["by"] == ""

    play(tmp_path, story)


def test_skuld_ends_in_the_middle_of_a_turn_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    """Records before, while and after Skuld is away; a question decided but not told; a message told but not marked."""

    async def told() -> None:
        world, agent = World(), ScriptedAgent()
        async with skuld(tmp_path, world, agent) as rig:
            session = await rig.new()
            async with rig.client(session) as ann:
                await said(rig, ann, session, "m")
                process = world.of(session)
                process.say(Ready(native="n"), ask("p"))
                process.say(TextDone(id="a", block=0, kind="text", text="before"))
                await ann.wait("agent_message")
                world.deaf = True
                await ann.send(type="decide", id="p", decision="allow")
                await ann.wait("permission_decided")
                epoch, first = ann.frames[0]["epoch"], ann.records()
        world.deaf = False
        process.say(TextDone(id="b", block=0, kind="text", text="while away"))
        process.say(TextDelta(id="c", block=0, kind="text", text="half"))
        async with (
            skuld(tmp_path, world, agent) as rig,
            rig.client(session, epoch=epoch, after=first[-1]["seq"]) as ann,
        ):
            await ann.wait("permission_delivered")
            process.say(TextDone(id="c", block=0, kind="text", text="half done"), TurnEnded(status="ok"))
            await ann.wait("turn_finished", status="ok")
            records = first + ann.records()
            assert [r["seq"] for r in records] == list(range(1, len(records) + 1))
            assert [r["text"] for r in records if r["type"] == "agent_message"] == ["before", "while away", "half done"]
            assert ann.frames[0]["epoch"] == epoch
            assert [type(command).__name__ for command in process.told.values()] == ["Say", "Answer"]
            assert len(world.processes[session]) == 1, "the agent was not started again"

    asyncio.run(told())


def test_a_run_that_is_gone_interrupts_the_turn_and_the_next_message_resumes(tmp_path: Path) -> None:
    async def told() -> None:
        world, agent = World(), ScriptedAgent()
        async with skuld(tmp_path, world, agent) as rig:
            session = await rig.new()
            async with rig.client(session) as ann:
                await said(rig, ann, session, "m")
                world.of(session).say(Ready(native="n1"), ToolCalled(id="t", name="Bash", title="make"))
                await ann.wait("tool_started")
        world.processes[session].clear()
        async with skuld(tmp_path, world, agent) as rig, rig.client(session) as ann:
            await ann.wait("turn_finished", status="interrupted")
            assert rig.skuld.manager.health(session).state == "ready"
            await ann.send(type="send", id="m2", text="go on")
            await ann.wait("turn_started", turn=2)
            await until(lambda: len(world.processes[session]) == 1 and bool(world.of(session).told))
            assert agent.jobs[-1].resume == "n1"

    asyncio.run(told())


def test_an_agent_that_dies_in_a_turn_says_why_and_comes_back(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        async with rig.client(session) as ann:
            await said(rig, ann, session, "m")
            rig.world.of(session).say(Ready(native="n1"))
            rig.world.of(session).die(1, "please log in")
            finished = await ann.wait("turn_finished", status="failed")
            assert (finished["error"], finished["hint"]) == ("please log in", "Log in.")
            await ann.send(type="send", id="m2", text="again")
            await ann.wait("stored", id="m2")
            await until(lambda: len(rig.world.processes[session]) == 2 and bool(rig.world.of(session).told))
            assert rig.agent.jobs[-1].resume == "n1"
            first, second = rig.world.processes[session]
            assert first.settled == len(first.lines), "its last line is settled before another run counts anew"
            assert second.settled == 0
            rig.world.of(session).say(Exited(code=1, error="No conversation n1"))
            await ann.wait("notice", level="warning")
            await until(lambda: len(rig.world.processes[session]) == 3 and bool(rig.world.of(session).told))
            assert rig.agent.jobs[-1].resume == ""
            assert [r["turn"] for r in ann.records() if r["type"] == "turn_started"] == [1, 2]

    play(tmp_path, story)


def test_a_forgetful_agent_that_lives_on_is_replaced(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        async with rig.client(session) as ann:
            await said(rig, ann, session, "m")
            rig.world.of(session).say(Ready(native="n1"), TurnEnded(status="ok"))
            rig.world.of(session).die(None)
            await ann.wait("agent_state", state="exited")
            await ann.send(type="send", id="m2", text="again")
            await until(lambda: len(rig.world.processes[session]) == 2 and bool(rig.world.of(session).told))
            old = rig.world.of(session)
            old.say(TurnEnded(status="failed", error="No conversation n1"))
            old.say(TextDone(id="x", block=0, kind="text", text="nobody wants to hear this"))
            await until(lambda: len(rig.world.processes[session]) == 3 and bool(rig.world.of(session).told))
            assert not old.alive
            rig.world.of(session).say(TurnEnded(status="ok"))
            await ann.wait("turn_finished", turn=2, status="ok")
            assert not [r for r in ann.records() if r["type"] == "agent_message"]

    play(tmp_path, story)


def test_an_agent_that_cannot_start_fails_with_cause_and_hint_and_can_be_tried_again(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.agent.missing = "The program 'scripted' is not there."
        session = await rig.new()
        await until(lambda: rig.skuld.manager.health(session).state == "failed")
        status, found = await rig.http("GET", f"/manage/sessions/{session}", KEY)
        assert status == 200
        assert (found["error"], found["hint"]) == ("The program 'scripted' is not there.", "Install it.")
        assert found["activity"]["state"] == "failed"
        _, logs = await rig.http("GET", f"/manage/sessions/{session}/logs?lines=5", KEY)
        assert "not there" in logs["lines"][-1]
        rig.agent.missing = ""
        await rig.skuld.manager.start(rig.spec(session))
        await until(lambda: rig.skuld.manager.health(session).state == "ready")

    play(tmp_path, story)


def test_interrupt_reaches_the_agent(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        async with rig.client(session) as ann:
            await ann.send(type="interrupt")
            await ann.wait("rejected", error="Nothing is running that could be interrupted.")
            await said(rig, ann, session, "m")
            await ann.send(type="interrupt")
            process = rig.world.of(session)
            await until(lambda: any(isinstance(told, Break) for told in process.told.values()))
            process.say(TurnEnded(status="failed", error="aborted"))
            await ann.wait("turn_finished", status="interrupted")
            assert process.order == sorted(process.order)

    play(tmp_path, story)


def test_stop_ends_everything_and_start_goes_on_with_the_conversation(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        spec = rig.spec(session)
        async with rig.client(session) as ann:
            await said(rig, ann, session, "m")
            rig.world.of(session).say(Ready(native="n1"))
            await ann.wait("agent_state", state="ready")
            status, _ = await rig.http("POST", f"/manage/sessions/{session}/stop", KEY)
            assert status == 200
            assert await closed(ann) == 1001
            assert ann.records()[-2]["status"] == "interrupted"
            assert ann.frames[-1]["activity"]["state"] == "stopped"
        assert not rig.world.of(session).alive
        assert not (tmp_path / "sessions" / session / "spec.json").exists()
        assert json.loads((tmp_path / "sessions" / session / "log.json").read_text())["clean"]
        assert (await rig.http("GET", f"/manage/sessions/{session}", KEY))[0] == 404
        assert (await rig.http("POST", f"/manage/sessions/{session}/stop", KEY))[0] == 404
        await rig.skuld.manager.start(spec)
        async with rig.client(session) as ann:
            await ann.wait("caught_up")
            assert ann.frames[0]["first_seq"] == 1
            assert [r["type"] for r in ann.records()][:3] == ["agent_state", "user_message", "turn_started"]
        await until(lambda: rig.agent.jobs[-1].resume == "n1")
        assert (await rig.http("DELETE", f"/manage/sessions/{session}", KEY))[0] == 200
        assert not (tmp_path / "sessions" / session).exists()

    play(tmp_path, story)


def test_sockets_without_a_good_ticket_or_session_or_attach_are_closed_with_the_reason(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        good = issue("s3", session, "ann", time.time())
        async with rig.socket(session, good) as client:
            assert client.socket.subprotocol == "volundr.chat.v1"
            await client.send(type="send", id="a", text="too early")
            assert await closed(client) == 4400
        for ticket in (good, "", issue("wrong", session, "eve", time.time()), issue("s3", session, "ann", time.time() - 100)):
            async with rig.socket(session, ticket) as client:
                assert await closed(client) == 4401
        async with rig.socket("3d6f0a9e-0000-4000-8000-000000000000", good) as client:
            assert await closed(client) == 4404

    play(tmp_path, story)


def test_frames_that_make_no_sense_are_rejected_and_the_socket_lives_on(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        async with rig.client(session) as ann:
            for text in ("nonsense", "[]", '{"type":"send"}', '{"type":"send","id":"a","text":"x","zzz":1}', "{}"):
                await ann.socket.send(text)
            await ann.socket.send(b"bytes")
            await ann.send(type="attach")
            for _ in range(50):
                await ann.socket.send("nonsense")
            await said(rig, ann, session, "m")
            rejected = [frame["error"] for frame in ann.frames if frame["type"] == "rejected"]
            assert len(rejected) == 57
            assert any("zzz" in error for error in rejected)
            await ann.send(type="send", id="big", text="x" * (16 * 1024 * 1024))
            assert await closed(ann) == 1009

    play(tmp_path, story)


def test_health_and_history_are_for_bearers_of_a_ticket(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        session = await rig.new()
        async with rig.client(session) as ann:
            for number in range(6):
                await ann.send(type="send", id=str(number), text="x")
            await ann.wait("user_message", id="5")

            def ticket() -> str:
                return issue("s3", session, "ann", time.time())

            status, page = await rig.http("GET", f"/s/{session}/history?before=5&limit=3", ticket())
            assert status == 200
            assert [r["seq"] for r in page["records"]] == [2, 3, 4]
            assert page["records"] == ann.records()[1:4]
            used = ticket()
            _, health = await rig.http("GET", f"/s/{session}/health", used)
            assert health["last_seq"] == 8
            assert health["epoch"] == page["epoch"] == ann.frames[0]["epoch"]
            assert health["alive"]
            assert (await rig.http("GET", f"/s/{session}/health", used))[0] == 403
            assert (await rig.http("GET", f"/s/{session}/history?before=1", ticket()))[1]["records"] == []
            assert (await rig.http("GET", "/manage/sessions", "wrong"))[0] == 403
            status, problem = await rig.http("PUT", f"/manage/sessions/{session}", KEY, {"session_id": "x"})
            assert status == 422
            assert "name" in problem["detail"]

    play(tmp_path, story)


def test_a_session_that_cannot_be_recovered_is_failed_and_disturbs_no_other(tmp_path: Path) -> None:
    async def told() -> None:
        world = World()
        async with skuld(tmp_path, world) as rig:
            good, bad = await rig.new(), await rig.new()
        (tmp_path / "sessions" / bad / "spec.json").write_text("{")
        async with skuld(tmp_path, world) as rig:
            assert rig.skuld.manager.health(good).state == "ready"
            assert rig.skuld.manager.health(bad).state == "failed"
            await rig.skuld.manager.delete(bad)
            assert list(rig.skuld.manager.names()) == [good]

    asyncio.run(told())
