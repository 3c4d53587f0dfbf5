"""Skuld over real sockets, with scripted agents."""

import asyncio
from pathlib import Path

from tests.skuld_kit import skuld, until
from volundr.broker.events import Ready, Say, TextDelta, TextDone, TurnEnded


def test_a_message_goes_to_the_agent_and_its_answer_to_everybody(tmp_path: Path) -> None:
    async def story() -> None:
        async with skuld(tmp_path) as rig:
            session = await rig.new()
            async with rig.client(session) as ann, rig.client(session, by="bob") as bob:
                await ann.wait("caught_up")
                await bob.wait("caught_up")
                await ann.send(type="send", id="m1", text="Hello")
                stored = await ann.wait("stored", id="m1")
                process = rig.world.of(session)
                await until(lambda: bool(process.told))
                assert list(process.told.values()) == [Say(messages=(("m1", "Hello"),))]
                process.say(Ready(native="n1", model="big"))
                process.say(TextDelta(id="a", block=0, kind="text", text="Hi "))
                process.say(TextDelta(id="a", block=0, kind="text", text="there"))
                delta = await bob.wait("delta", offset=3)
                assert delta["text"] == "there"
                process.say(TextDone(id="a", block=0, kind="text", text="Hi there"))
                process.say(TurnEnded(status="ok"))
                await bob.wait("turn_finished", status="ok")
                await ann.wait("turn_finished")
                assert ann.records() == bob.records()
                assert [r["seq"] for r in ann.records()] == list(range(1, len(ann.records()) + 1))
                assert stored["seq"] == 2
                await ann.wait("activity", activity={"state": "idle", "what": "", "since": ann.records()[-1]["at"]})

    asyncio.run(story())
