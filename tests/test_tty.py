"""A terminal over its socket: shells, sizes, viewers, what is left after it."""

import asyncio
from pathlib import Path

from tests.tty_kit import rig
from volundr.broker.terminal.protocol import Size


def test_a_shell_answers_takes_sizes_and_its_end_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with rig(tmp_path) as here:
            made = await here.http("POST", "", {"title": "build", "columns": 90, "rows": 30})
            assert made.status_code == 201
            assert made.json() | {"id": "", "created_at": ""} == {
                "id": "",
                "title": "build",
                "command": "/bin/bash",
                "columns": 90,
                "rows": 30,
                "viewers": 0,
                "alive": True,
                "created_at": "",
            }
            async with here.look(made.json()["id"], Size(columns=100, rows=20)) as ann:
                await ann.type("pwd; tty; stty size\r")
                await ann.shows("20 100")
                assert str(tmp_path) in ann.text()
                assert "/dev/pts/" in ann.text()
                await ann.resize(70, 25)
                await ann.type("stty size\r")
                await ann.shows("25 70")
                await ann.type("exit\r")
                assert await ann.end() == 1000
            assert (await here.http("GET")).json() == {"items": []}

    asyncio.run(main())
