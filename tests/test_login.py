"""Login codes and cookies, through HTTP."""

import asyncio
import logging
import stat
from pathlib import Path
from typing import Any

import pytest

from tests import lobby
from tests.lobby import OURS, Clock, Door, at_the_door
from volundr.local.identity import (
    CODE_SECONDS,
    COOKIE_SECONDS,
    FAILURE_SECONDS,
    MAX_FAILURES,
    FileLogins,
)
from volundr.local.secrets import write_private

home = lobby.home


def test_a_code_becomes_a_cookie_that_no_script_and_no_other_site_can_use(home: Path) -> None:
    async def scenario(door: Door) -> None:
        answer = await door.http.post("/api/v1/login", json={"code": door.logins.code()})
        set_cookie = answer.headers["set-cookie"]
        for part in ("HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={COOKIE_SECONDS}"):
            assert part in set_cookie
        assert "Domain" not in set_cookie
        assert (await door.http.get("/api/v1/me")).json() == {"user": "local"}

    at_the_door(home, scenario)


def test_a_cookie_of_an_address_with_tls_is_sent_over_tls_alone(home: Path) -> None:
    async def scenario(door: Door) -> None:
        for origin, secure in ((OURS, False), ("https://forge.example", True)):
            headers = {"origin": origin, "host": origin.partition("://")[2]}
            answer = await door.http.post("/api/v1/login", json={"code": door.logins.code()}, headers=headers)
            assert answer.status_code == 204
            assert ("Secure" in answer.headers["set-cookie"]) is secure

    at_the_door(home, scenario)


def test_login_links_are_made_with_the_token_only(home: Path) -> None:
    async def scenario(door: Door) -> None:
        made = await door.http.post("/api/v1/login/codes", headers=door.bearer)
        assert made.status_code == 201
        assert made.json()["url"] == f"{OURS}/login#{made.json()['code']}"
        assert (await door.http.post("/api/v1/login", json={"code": made.json()["code"]})).status_code == 204
        assert (await door.http.post("/api/v1/login/codes", headers={"origin": OURS})).status_code == 403
        door.http.cookies.clear()
        assert (await door.http.post("/api/v1/login/codes")).status_code == 401

    at_the_door(home, scenario)


def test_a_code_works_once_and_for_ten_minutes(home: Path) -> None:
    clock = Clock()

    async def scenario(door: Door) -> None:
        code, late = door.logins.code(), door.logins.code()
        assert (await door.http.post("/api/v1/login", json={"code": code})).status_code == 204
        again = await door.http.post("/api/v1/login", json={"code": code}, headers={"origin": OURS})
        assert again.status_code == 403
        assert "volundr up" in again.json()["hint"]
        clock.now += CODE_SECONDS + 1
        assert (await door.http.post("/api/v1/login", json={"code": late}, headers={"origin": OURS})).status_code == 403

    at_the_door(home, scenario, clock)


def test_of_many_who_use_a_code_at_once_one_gets_in(home: Path) -> None:
    async def scenario(door: Door) -> None:
        code = door.logins.code()
        answers = await asyncio.gather(*(door.http.post("/api/v1/login", json={"code": code}) for _ in range(5)))
        assert sorted(answer.status_code for answer in answers) == [204, 403, 403, 403, 403]

    at_the_door(home, scenario)


def test_guessing_codes_closes_the_door_for_a_minute(home: Path) -> None:
    clock = Clock()

    async def scenario(door: Door) -> None:
        good = door.logins.code()
        for _ in range(MAX_FAILURES):
            await door.http.post("/api/v1/login", json={"code": "guess"})
        refused = await door.http.post("/api/v1/login", json={"code": good})
        assert (refused.status_code, "Too many" in refused.json()["detail"]) == (403, True)
        clock.now += FAILURE_SECONDS + 1
        assert (await door.http.post("/api/v1/login", json={"code": good})).status_code == 204

    at_the_door(home, scenario, clock)


@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": 1}, {"code": "x", "more": 1}, {"code": "x" * 201}, []])
def test_a_login_request_that_is_none_is_refused(home: Path, body: Any) -> None:
    async def scenario(door: Door) -> None:
        assert (await door.http.post("/api/v1/login", json=body)).status_code == 422

    at_the_door(home, scenario)


def test_logging_out_ends_the_cookie_for_good(home: Path) -> None:
    async def scenario(door: Door) -> None:
        cookie = await door.log_in()
        ended = await door.http.delete("/api/v1/login", headers={"origin": OURS})
        assert ended.status_code == 204
        assert "Max-Age=0" in ended.headers["set-cookie"]
        stolen = {"cookie": f"volundr={cookie}"}
        assert (await door.http.get("/api/v1/me", headers=stolen)).status_code == 401
        assert not FileLogins(home / "run" / "logins.json", Clock()).knows(cookie)
        assert (await door.http.delete("/api/v1/login")).status_code == 204

    at_the_door(home, scenario)


def test_a_login_outlives_a_restart_but_not_a_month_and_its_file_holds_no_cookie(home: Path) -> None:
    clock = Clock()
    cookies: list[str] = []

    async def first(door: Door) -> None:
        cookies.append(await door.log_in())

    async def second(door: Door) -> None:
        sent = {"cookie": f"volundr={cookies[0]}"}
        assert (await door.http.get("/api/v1/me", headers=sent)).status_code == 200
        clock.now += COOKIE_SECONDS + 1
        assert (await door.http.get("/api/v1/me", headers=sent)).status_code == 401

    at_the_door(home, first, clock)
    kept = home / "run" / "logins.json"
    assert cookies[0] not in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    at_the_door(home, second, clock)


def test_a_damaged_login_file_costs_the_logins_and_nothing_else(home: Path) -> None:
    for text in ("", "{", "[]", '{"a": "b"}', "null"):
        write_private(home / "run" / "logins.json", text)
        assert not FileLogins(home / "run" / "logins.json").knows("a")


def test_no_code_cookie_or_token_ever_stands_in_a_log(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    secrets: list[str] = []

    async def scenario(door: Door) -> None:
        code = door.logins.code()
        secrets.extend([door.keys.token, door.keys.master, code, await door.log_in()])
        await door.http.post("/api/v1/login", json={"code": code})
        await door.http.post("/api/v1/login", json={"code": code})
        await door.http.get("/api/v1/me", headers=door.bearer)
        await door.http.get("/api/v1/me", headers=door.bearer | {"origin": "http://evil.example"})
        await door.http.delete("/api/v1/login", headers={"origin": OURS})

    with caplog.at_level(logging.DEBUG):
        at_the_door(home, scenario)
    written = "\n".join(str(vars(record)) for record in caplog.records)
    assert not [secret for secret in secrets if secret in written]
