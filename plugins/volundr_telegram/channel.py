"""Sessions in Telegram: one bot, the chats that may use it, a follower for each session."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from volundr.sdk import Channel, Conflict, Forbidden, Invalid, NotFound, Sessions, Unavailable
from volundr_telegram import TelegramSettings
from volundr_telegram.api import Api, opened
from volundr_telegram.desk import FIRST_PAUSE, LONGEST_PAUSE, Desk, Pace, Reach
from volundr_telegram.hearing import Hearing
from volundr_telegram.memory import Memory
from volundr_telegram.post import Post
from volundr_telegram.survey import hello
from volundr_telegram.teller import Teller, place

log = logging.getLogger(__name__)

LOOK_BACK = 500
TYPING_SECONDS = 6.0


class TelegramChannel(Channel):
    """See `TelegramSettings`."""

    def __init__(self, settings: TelegramSettings, home: Path) -> None:
        self._settings, self._home = settings, home

    async def run(self, sessions: Sessions) -> None:
        token = await self._token()
        memory = Memory(self._home)
        await memory.load()
        try:
            async with opened(token, self._settings.base_url) as api, asyncio.TaskGroup() as group:
                await _Service(api, sessions, memory, self._settings).run(group)
        finally:
            await memory.save()

    async def _token(self) -> str:
        if self._settings.token:
            return self._settings.token
        path = self._settings.token_file
        try:
            return await asyncio.to_thread(lambda: Path(path).expanduser().read_text("utf-8").strip())
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"The token of the Telegram bot cannot be read from {path}: {type(error).__name__}.") from None


class _Service:
    """One life of the channel."""

    def __init__(self, api: Api, sessions: Sessions, memory: Memory, settings: TelegramSettings) -> None:
        self._api, self._sessions, self._memory, self._settings = api, sessions, memory, settings
        self._since = datetime.now(UTC).isoformat()
        self._desks = {chat: Desk(chat, memory, self._pace(chat), settings.batch_seconds) for chat in settings.chats}
        self._followed: set[str] = set()
        self._names: dict[str, str] = {}
        self._reach = Reach()

    def _pace(self, chat: int) -> Pace:
        """Groups have negative ids."""
        return Pace(self._settings.message_seconds, self._settings.group_per_minute if chat < 0 else 0)

    async def run(self, group: asyncio.TaskGroup) -> None:
        """Sessions are followed from the start, also while Telegram is out of reach."""
        for chat, desk in self._desks.items():
            group.create_task(desk.run(self._api, self._reach, self._name_for), name=f"telegram chat {chat}")
        group.create_task(self._listen(), name="telegram updates")
        if self._desks:
            group.create_task(self._type(), name="telegram typing")
            await self._follow_all(group)

    async def _listen(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                name = await self._api.open()
            except (Unavailable, Forbidden, Conflict) as error:
                self._reach.down(error)
            except (Invalid, NotFound) as error:
                log.warning("telegram does not take the bot's first words", extra={"cause": str(error)})
            else:
                break
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        self._reach.up()
        log.info("telegram bot listens", extra={"bot": name, "chats": len(self._desks)})
        await Hearing(self._api, self._sessions, self._memory, self._desks).run(self._reach, self._settings.poll_seconds)

    # --- outbound -----------------------------------------------------------------------------------------------------

    async def _follow_all(self, group: asyncio.TaskGroup) -> None:
        seen = 0
        while True:
            seen = await self._sessions.changed(seen)
            for seat in self._sessions.seats():
                self._names[seat.session] = seat.name
                ends = seat.activity.state in {"stopping", "stopped"}
                if seat.session not in self._followed and not ends:
                    self._followed.add(seat.session)
                    group.create_task(self._follow(seat.session), name=f"telegram follows {seat.session}")

    async def _follow(self, session: str) -> None:
        """Until the session ends; it is over only after this has let go of it, so one started again is followed anew."""
        try:
            with suppress(NotFound):
                await self._tell(session)
        finally:
            self._followed.discard(session)

    async def _tell(self, session: str) -> None:
        known = self._memory.begin(session, list(self._desks))
        since = "" if known else self._since
        if known is None:
            first = await hello(self._sessions, session)
            known = str(first["epoch"]), max(int(first["last_seq"]) - LOOK_BACK, 0)
        teller = Teller(session, self._memory, self._settings.show, since, quiet=self._settings.quiet)
        async for frame in self._sessions.listen(session, *known):
            if frame["type"] == "caught_up":
                await self._memory.save()
            posts = teller.take(frame)
            seq = place(frame)
            for chat, desk in self._desks.items():
                if seq and self._has(desk, session, teller.epoch, seq):
                    continue
                for post in posts:
                    if self._wants(chat, desk, post):
                        desk.put(_copy(post))
                if seq:
                    desk.note(session, teller.epoch, seq)

    def _has(self, desk: Desk, session: str, epoch: str, seq: int) -> bool:
        of, announced = desk.memory.cursors.get(session, ("", 0))
        return of == epoch and announced >= seq

    def _wants(self, chat: int, desk: Desk, post: Post) -> bool:
        if post.origin.startswith(f"telegram-{chat}-"):
            return False
        return post.kind == "question" or desk.memory.follow == "all" or desk.memory.current in {"", post.session}

    def _name_for(self, post: Post) -> str:
        """A session's name stands above what it says as soon as there are several."""
        alone = {seat.session for seat in self._sessions.seats()} <= {post.session}
        return "" if alone else self._names.get(post.session, "")

    async def _type(self) -> None:
        """Show that the agent of a chat's session works. Nobody misses it when it fails."""
        while True:
            await asyncio.sleep(TYPING_SECONDS)
            working = {seat.session for seat in self._sessions.seats() if seat.activity.state == "working"}
            for chat, desk in self._desks.items():
                if working and (desk.memory.current in working or not desk.memory.current):
                    with suppress(Unavailable, Forbidden, Conflict, Invalid, NotFound):
                        await self._api.typing(chat)


def _copy(post: Post) -> Post:
    """Each chat changes its own."""
    return Post(
        html=post.html,
        kind=post.kind,
        key=post.key,
        buttons=post.buttons,
        session=post.session,
        epoch=post.epoch,
        seq=post.seq,
        only_edit=post.only_edit,
        moot=post.moot,
        silent=post.silent,
        origin=post.origin,
    )
