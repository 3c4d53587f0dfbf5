"""The conversation of a session that does not run."""

import asyncio
import fcntl
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.skuld_kit import KEY, Rig, skuld
from volundr.broker.history import past, present
from volundr.broker.log import Log
from volundr.domain.errors import Unavailable


def kept(folder: Path, count: int) -> str:
    log = Log.open(folder)
    log.append([b'{"seq":%d}' % number for number in range(1, count + 1)])
    log.close()
    return log.epoch


def read(folder: Path, before: int | None = None, limit: int = 500) -> tuple[str, Sequence[int]]:
    page = json.loads(past(folder, before, limit))
    return page["epoch"], [record["seq"] for record in page["records"]]


def test_pages_of_a_log_that_nobody_has_open(tmp_path: Path) -> None:
    epoch = kept(tmp_path, 10)
    assert read(tmp_path) == (epoch, list(range(1, 11)))
    assert read(tmp_path, limit=3) == (epoch, [8, 9, 10])
    assert read(tmp_path, before=8, limit=3) == (epoch, [5, 6, 7])
    assert read(tmp_path, before=1) == (epoch, [])


def test_a_page_of_a_session_that_runs_is_read_beside_it(tmp_path: Path) -> None:
    epoch = kept(tmp_path, 10)
    log = Log.open(tmp_path)
    found = json.loads(asyncio.run(present(log, 8, None, 3)))
    assert (found["epoch"], [one["seq"] for one in found["records"]]) == (epoch, [6, 7, 8])
    log.close()


def test_nothing_was_kept_yet(tmp_path: Path) -> None:
    assert read(tmp_path / "never") == ("", [])


def test_looking_changes_nothing_and_takes_no_lock(tmp_path: Path) -> None:
    epoch = kept(tmp_path, 2)
    file = tmp_path / "log.ndjson"
    with file.open("ab") as torn:
        torn.write(b"half a rec")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert read(tmp_path) == (epoch, [1, 2])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    kept(tmp_path, 1)
    (tmp_path / "log.json").write_text("no json")
    with pytest.raises(Unavailable, match="cannot be read"):
        past(tmp_path, None, 5)


def test_a_session_is_read_while_it_runs_after_it_stopped_and_not_after_it_was_deleted(tmp_path: Path) -> None:
    async def story() -> None:
        async with skuld(tmp_path) as rig:
            session = await rig.new()
            async with rig.client(session) as ann:
                for name in ("a", "b"):
                    await ann.send(type="send", id=name, text=name)
                    await ann.wait("stored", id=name)
                epoch = ann.frames[0]["epoch"]
            alive = await page(rig, session)
            assert alive["epoch"] == epoch
            assert [one["id"] for one in alive["records"] if one["type"] == "user_message"] == ["a", "b"]
            await rig.skuld.manager.stop(session)
            stopped = await page(rig, session)
            assert stopped["epoch"] == epoch
            assert stopped["records"][: len(alive["records"])] == alive["records"]
            assert [one["seq"] for one in (await page(rig, session, "?before=4&limit=2"))["records"]] == [2, 3]
            await rig.new(session)
            async with rig.client(session, epoch=epoch, after=stopped["records"][-1]["seq"]) as ann:
                await ann.wait("caught_up")
                assert "resync" not in [frame["type"] for frame in ann.frames]
            await rig.skuld.manager.delete(session)
            assert await page(rig, session) == {"epoch": "", "records": []}
            assert (await rig.http("GET", f"/manage/sessions/{session}/history", "wrong"))[0] == 403

    asyncio.run(story())


async def page(rig: Rig, session: str, query: str = "") -> dict[str, Any]:
    status, found = await rig.http("GET", f"/manage/sessions/{session}/history{query}", KEY)
    assert status == 200
    return dict(found)
