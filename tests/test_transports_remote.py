"""A CLI that connects by itself and speaks plain NDJSON, as old Claude Code does with `--sdk-url`."""

import asyncio
import json
from pathlib import Path

import pytest
from websockets.asyncio.client import unix_connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.test_transports import skuld
from volundr.broker.events import Exited, Ready, Say, TextDone
from volundr.broker.transports.stream_json import StreamJsonDialect
from volundr.broker.transports.transport import Launch
from volundr.testing import Listener

SECRET = {"Authorization": "Bearer secret"}
NOTHING = Launch(argv=["started elsewhere"], env={}, cwd=Path("/"))


def test_a_cli_that_connects_is_talked_to_in_plain_lines(tmp_path: Path) -> None:
    async def main() -> None:
        path, uri = str(tmp_path / "skuld.sock"), "ws://skuld/ws/cli/s1"
        async with skuld(tmp_path) as transports, asyncio.TaskGroup() as tasks:
            heard = Listener(transports.make("remote", "s1", "secret"))
            tasks.create_task(heard.listen())
            starting = tasks.create_task(heard.transport.start("run-1", NOTHING, StreamJsonDialect()))
            await asyncio.sleep(0)  # `start` lets links in
            with pytest.raises(InvalidStatus, match="403"):
                await unix_connect(path, uri)
            async with unix_connect(path, uri, additional_headers=SECRET) as cli:
                opening = json.loads(await cli.recv())
                await starting
                assert opening["request"] == {"subtype": "initialize"}
                answer = {"subtype": "success", "request_id": opening["request_id"], "response": {}}
                await cli.send(json.dumps({"type": "control_response", "response": answer}) + "\n")
                await heard.until(Ready)
                for _ in range(2):
                    await heard.transport.tell(1, Say(messages=[("m", "hello")]))
                assert json.loads(await cli.recv())["message"]["content"][0]["text"] == "hello"
                block = {"type": "text", "text": "hi"}
                said = {"type": "assistant", "message": {"id": "a", "content": [block]}, "parent_tool_use_id": None}
                await cli.send(json.dumps(said) + "\n")
                assert (await heard.until(TextDone)).text == "hi"
                assert await heard.transport.adopt("run-1", StreamJsonDialect(), 0) is None
                await heard.transport.stop(1)
                with pytest.raises(ConnectionClosed):
                    await cli.recv()
        assert isinstance(heard.events[-1], Exited)

    asyncio.run(main())
