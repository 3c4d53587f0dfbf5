"""Retention through a forge: shown before it is done, done only by the settings, never to what runs."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.forge import Site, in_forge
from volundr.broker.log import Log
from volundr.domain.retention import Retention
from volundr.domain.sessions.model import Session, Status
from volundr.local.retention import LocalRetention
from volundr.settings import RetentionSettings
from volundr.store.sessions import SessionStore


async def stopped_for(site: Site, name: str, days: int) -> Path:
    """A stopped session that had a conversation, last active so long ago; its folder."""
    long_ago = datetime.now(UTC) - timedelta(days=days)
    session = Session(name=name, agent="demo", status=Status.STOPPED, last_active=long_ago)
    await SessionStore(site.forge.db).add(session)
    folder = site.home / "sessions" / str(session.id)
    kept = Log.open(folder)
    kept.append([b'{"type":"notice","seq":1,"at":"x","level":"info","text":"hi","detail":""}'])
    kept.close()
    os.utime(folder / "log.ndjson", (long_ago.timestamp(), long_ago.timestamp()))
    return folder


def test_without_a_policy_nothing_ever_goes(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        folder = await stopped_for(site, "old", 4000)
        assert (await site.http.get("/api/v1/retention")).json() == {"items": []}
        assert (await site.http.post("/api/v1/retention")).json() == {"items": []}
        assert Log.peek(folder) is not None

    in_forge(tmp_path, scenario)


def test_what_would_go_is_what_goes_and_the_rest_stays(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        old, new = await stopped_for(site, "old", 40), await stopped_for(site, "new", 4)
        retention: Retention = LocalRetention(SessionStore(site.forge.db), site.home, RetentionSettings(stopped_days=30))
        planned = await retention.plan()
        assert [(one.name, one.what) for one in planned] == [("old", "conversation")]
        kept = Log.peek(old)
        assert kept is not None
        assert kept.last_seq == 1
        gone = await retention.apply()
        assert [(one.name, one.problem) for one in gone] == [("old", "")]
        left, other = Log.peek(old), Log.peek(new)
        assert left is None or left.last_seq == 0
        assert other is not None
        assert other.last_seq == 1
        assert not await retention.plan()

    in_forge(tmp_path, scenario)
