"""Telegram: sessions followed and steered from a chat. Loading this imports nothing heavy; `[channels.telegram]` turns it on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from volundr.sdk import Adapters, Channel, Invalid, hookimpl

HINT = "Talk to @BotFather in Telegram, make a bot, and put what it gives you into [channels.telegram] as `token`."


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramSettings:
    """`[channels.telegram]`. `chats` may use the bot, nobody else. `quiet`: only what needs a person makes a sound.

    `base_url` and the three figures about pace are for a Bot API server of one's own, which has other limits.
    """

    token: str = field(default="", repr=False)
    token_file: str = ""
    chats: Sequence[int] = ()
    show: Literal["all", "answers", "questions"] = "all"
    quiet: bool = False
    base_url: str = "https://api.telegram.org/bot"
    poll_seconds: int = 50
    batch_seconds: float = 2.0
    message_seconds: float = 1.0
    group_per_minute: int = 20


def make(settings: TelegramSettings, home: Path) -> Channel:
    """Raises Invalid when there is no token."""
    if not settings.token and not settings.token_file:
        raise Invalid("[channels.telegram] has no token.", hint=HINT)
    from volundr_telegram.channel import TelegramChannel

    return TelegramChannel(settings, home)


@hookimpl
def volundr_adapters(adapters: Adapters) -> None:
    """Offer the channel."""
    home = adapters.home or Path()
    adapters.offer(Channel, "telegram", TelegramSettings, lambda settings: make(settings, home))
