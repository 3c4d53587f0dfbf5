"""The real agents get the tool servers of their session: offered to the model, called, with their secrets and nobody else's."""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests import codex_kit, test_claude_control
from volundr.broker import mounts
from volundr.broker.events import Answer, Asked, Say, ToolCalled, ToolEnded, TurnEnded
from volundr.broker.transports.transport import Job
from volundr.domain.sessions.spec import McpServer, SessionSpec

BIN = Path(__file__).parent / "agents/node_modules/.bin"
CANARY = "canary-77b1"
LISTED = "other-model"
"""To a model that Codex does not know it lists all tools; others look for them with a search of the provider's own."""

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not (BIN / "claude").exists(), reason="`npm ci` in tests/agents installs the agents"),
]


def box(folder: Path) -> McpServer:
    program = str(Path(__file__).parent / "tool_server.py")
    env = {"BOX_TOKEN": CANARY, "BOX_FILE": str(folder / "token")}
    return McpServer(name="box", command=sys.executable, args=(program,), env=env)


def with_servers(job: Job, folder: Path, *servers: McpServer) -> Job:
    """As Skuld makes it: the file is the session's own."""
    mounts.write(folder, SessionSpec(session_id="s1", name="one", agent="x", mcp_servers=servers))
    return replace(job, mcp_servers=servers, mcp_config=str(folder / mounts.FOLDER / mounts.SERVERS))


def arguments_of_all() -> str:
    """The arguments of every process of this machine."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(place.read_text("utf-8", "replace"))
        except OSError:  # it ended meanwhile
            continue
    return "\n".join(found)


def test_claude_offers_the_servers_tools_and_calls_them_after_asking(tmp_path: Path) -> None:
    async def main() -> None:
        async with test_claude_control.desk(tmp_path) as at:
            at.job = with_servers(at.job, tmp_path / "session", box(tmp_path))
            await at.start("one")
            before = await at.tell(Say(messages=[("m1", '{{tool: mcp__box__echo {"text": "hi"}}}{{text: ok}}')]))
            asked = await at.heard.until(Asked, before)
            yes = Answer(id=asked.id, decision="allow", scope="once", asked_input=asked.input, native=asked.native)
            await at.tell(yes)
            ended = await at.heard.until(ToolEnded, before)
            await at.heard.until(TurnEnded, before)
            assert (ended.ok, "heard hi" in ended.output) == (True, True)
            assert any(tool["name"] == "mcp__box__echo" for tool in at.model.requests[-1]["tools"])
            assert (tmp_path / "token").read_text() == CANARY
            assert "tool_server.py" in arguments_of_all()
            assert CANARY not in arguments_of_all()
            assert CANARY not in json.dumps(at.model.requests)
            place = tmp_path / "session" / mounts.FOLDER / mounts.SERVERS
            assert oct(place.stat().st_mode)[-3:] == "600"

    asyncio.run(main())


@pytest.mark.parametrize("transport", ["shim", "per_message"])
def test_codex_gets_them_too_whichever_way_it_is_started(tmp_path: Path, transport: str) -> None:
    async def main() -> None:
        async with codex_kit.desk(tmp_path, transport) as at:
            at.job = with_servers(at.job, tmp_path / "session", box(tmp_path))
            await at.start("one", model=LISTED, mode="full-access")
            before = await at.say('{{tool: mcp__box__echo {"text": "hi"}}}{{text: ok}}')
            call = await at.heard.until(ToolCalled, before)
            ended = await at.heard.until(ToolEnded, before)
            assert (call.name, ended.ok, "heard hi" in ended.output) == ("mcp__box__echo", True, True)
            assert (tmp_path / "token").read_text() == CANARY
            assert "tool_server.py" in arguments_of_all()
            assert CANARY not in arguments_of_all()
            await at.heard.until(TurnEnded, before)

    asyncio.run(main())
