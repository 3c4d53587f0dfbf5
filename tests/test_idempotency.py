"""A POST with an Idempotency-Key is done once."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.forge import Site, in_forge
from volundr.db.database import Database
from volundr.db.migrate import migrate
from volundr.domain.idempotency import Answer
from volundr.store.idempotency import IdempotencyStore
from volundr.store.opening import MIGRATIONS

NEW = {"name": "once", "agent": "demo", "start": False}
KEY = {"idempotency-key": "k-1"}


def test_the_same_request_again_gets_the_first_answer(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        first = await site.http.post("/api/v1/sessions", json=NEW, headers=KEY)
        again = await site.http.post("/api/v1/sessions", json=NEW, headers=KEY)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert again.headers["idempotency-replayed"] == "true"
        assert again.headers["etag"] == first.headers["etag"] == '"1"'
        assert len((await site.http.get("/api/v1/sessions")).json()["items"]) == 1

    in_forge(tmp_path, scenario)


def test_of_twenty_at_once_one_is_done(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        answers = await asyncio.gather(*(site.http.post("/api/v1/sessions", json=NEW, headers=KEY) for _ in range(20)))
        assert {answer.status_code for answer in answers} <= {201, 409}
        assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
        assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 409)

    in_forge(tmp_path, scenario)


def test_a_key_stands_for_one_request(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        await site.http.post("/api/v1/sessions", json=NEW, headers=KEY)
        other = await site.http.post("/api/v1/sessions", json=NEW | {"name": "two"}, headers=KEY)
        assert other.status_code == 422
        assert "another request" in other.json()["detail"]

    in_forge(tmp_path, scenario)


def test_what_failed_may_be_tried_again(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        wrong = await site.http.post("/api/v1/sessions", json=NEW | {"agent": "nobody"}, headers=KEY)
        assert wrong.status_code == 422
        assert (await site.http.post("/api/v1/sessions", json=NEW, headers=KEY)).status_code == 201

    in_forge(tmp_path, scenario)


@pytest.mark.parametrize("key", ["", "x" * 256, "a\x7fb"])
def test_a_key_that_is_none_is_refused(tmp_path: Path, key: str) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.http.post("/api/v1/sessions", json=NEW, headers={"idempotency-key": key})
        assert answer.status_code == 422

    in_forge(tmp_path, scenario)


def test_keys_on_both_databases(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await migrate(db, MIGRATIONS)
        keys = IdempotencyStore(db)
        claims = await asyncio.gather(*(keys.claim("me", "k", "f") for _ in range(10)))
        assert sorted(claim.state for claim in claims) == ["busy"] * 9 + ["mine"]
        assert (await keys.claim("you", "k", "other")).state == "mine"
        await keys.keep("me", "k", Answer(status=201, body='{"a": "ü"}', content_type="application/json", etag='"3"'))
        again = await keys.claim("me", "k", "f")
        assert again.answer == Answer(status=201, body='{"a": "ü"}', content_type="application/json", etag='"3"')
        assert (await keys.claim("me", "k", "g")).state == "other"
        await keys.release("me", "k")
        assert (await keys.claim("me", "k", "f")).state == "done"  # what is done stays done
        await keys.keep("you", "k", Answer(status=201, body="secret", content_type="", once=True))
        found = await keys.claim("you", "k", "other")
        assert found.answer is not None
        assert (found.answer.once, found.answer.body) == (True, "")
        await age(db, timedelta(days=2))
        assert await keys.forget() == 2
        assert (await keys.claim("me", "k", "f")).state == "mine"
        await age(db, timedelta(minutes=2))
        assert (await keys.claim("me", "k", "f")).state == "mine"  # whoever held it is dead

    on_database(scenario)


async def age(db: Database, by: timedelta) -> None:
    for row in await db.fetch("SELECT caller, claimed_at FROM idempotency_keys"):
        at = row["claimed_at"]
        older = (at if not isinstance(at, str) else datetime.fromisoformat(at)) - by
        await db.run("UPDATE idempotency_keys SET claimed_at = :at WHERE caller = :caller", at=older, caller=row["caller"])
