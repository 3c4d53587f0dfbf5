"""Retention through a forge: shown before it is done, done only by the settings, never to what runs."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

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


def test_chronicles_go_when_nobody_touched_them_for_long_and_their_session_is_gone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text("[retention]\nchronicles_days = 30\n")

    async def scenario(site: Site) -> None:
        ids = []
        for name in ("old", "kept", "alive"):
            body = {"name": name, "agent": "demo", "source": {"type": "empty"}, "start": False}
            session_id = (await site.http.post("/api/v1/sessions", json=body)).json()["id"]
            chronicle = (await site.http.post("/api/v1/chronicles", json={"session_id": session_id})).json()["id"]
            done = await site.http.patch(f"/api/v1/chronicles/{chronicle}", json={"status": "complete"})
            assert done.status_code == 200, done.text
            ids.append(chronicle)
            if name != "alive":
                assert (await site.http.delete(f"/api/v1/sessions/{session_id}")).status_code == 204
        long_ago = datetime.now(UTC) - timedelta(days=31)
        for chronicle in (ids[0], ids[2]):
            await site.forge.db.run("UPDATE chronicles SET updated_at = :then WHERE id = :id", then=long_ago, id=UUID(chronicle))
        plan = (await site.http.get("/api/v1/retention")).json()["items"]
        assert [(one["name"], one["what"]) for one in plan] == [("old", "chronicle")]
        assert (await site.http.get(f"/api/v1/chronicles/{ids[0]}")).status_code == 200
        assert [one["name"] for one in (await site.http.post("/api/v1/retention")).json()["items"]] == ["old"]
        there = [(await site.http.get(f"/api/v1/chronicles/{chronicle}")).status_code for chronicle in ids]
        assert there == [404, 200, 200]

    in_forge(tmp_path, scenario)
