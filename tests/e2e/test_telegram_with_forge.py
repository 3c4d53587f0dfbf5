"""A whole forge whose settings turn Telegram on: its processes, the demo agent, and a Bot API on loopback."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.e2e.forge import Forge, forge_at
from tests.skuld_kit import until
from tests.telegram_api import OWNER, TOKEN, TelegramApi, telegram_api

pytestmark = pytest.mark.e2e

SETTINGS = """
[channels.telegram]
token_file = {file}
chats = [{owner}]
base_url = "{url}"
poll_seconds = 1
batch_seconds = 0.1
message_seconds = 0.05
"""


def test_a_session_is_led_from_telegram_through_a_kill_of_skuld_and_the_token_stays_secret(tmp_path: Path) -> None:
    async def main() -> None:
        async with telegram_api() as api:
            home = tmp_path / "home"
            home.mkdir(mode=0o700)
            token = tmp_path / "telegram.token"
            token.write_text(TOKEN)
            (home / "config.toml").write_text(SETTINGS.format(file=json.dumps(str(token)), owner=OWNER, url=api.url))
            around = forge_at(home)
            forge = await asyncio.to_thread(around.__enter__)
            try:
                await led(forge, api)
            finally:
                await asyncio.to_thread(around.__exit__, None, None, None)
            printed = [path for path in home.rglob("*") if path.is_file() and path.suffix in {".log", ".json", ".ndjson"}]
            assert any(path.name == "skuld.log" for path in printed)
            assert [path for path in printed if b"canary-of-the-token" in path.read_bytes()] == []

    asyncio.run(main())


async def led(forge: Forge, api: TelegramApi) -> None:
    session = await asyncio.to_thread(forge.session, "smithy")
    first = api.say("run echo from-the-phone")
    asked = await api.find("to deny with a word", limit=20)
    assert "echo from-the-phone" in asked.text
    assert api.reactions == {(OWNER, first): "👌"}
    api.press(asked, asked.data("Allow once"))
    await until(lambda: "allowed by ann (Telegram)" in asked.text, 20)
    await api.find("✔️ Done", limit=20)
    api.say("/status")
    assert "smithy ← this chat" in (await api.find("this chat", limit=20)).text

    before = await asyncio.to_thread(forge.kill, "skuld")
    again = api.say("{{text: still here}}")
    await until(lambda: (OWNER, again) in api.reactions, 30)
    await api.find("still here", limit=20)
    assert await asyncio.to_thread(forge.pid, "skuld") != before
    assert len([text for text in api.texts() if "echo from-the-phone" in text]) == 3, "words, tool and question, each once"
    records = await asyncio.to_thread(forge.records, session["id"])
    said = [record["text"] for record in records if record["type"] == "user_message"]
    assert said == ["run echo from-the-phone", "{{text: still here}}"]
