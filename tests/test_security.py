"""Names, origins and credentials: who is let in, and with what."""

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from tests import lobby
from tests.lobby import OTHER, OURS, PORT, SESSION, SITE, Door, at_the_door
from volundr.api.security import HEADERS, check_host, check_origin, local_site
from volundr.domain.identity import Credentials, Resource
from volundr.domain.roles import AllowAll
from volundr.domain.tickets import derive
from volundr.local.identity import (
    FileLogins,
    LocalIdentity,
    keys_of,
)

home = lobby.home


def headers(**pairs: str) -> list[tuple[bytes, bytes]]:
    return [(name.replace("_", "-").encode(), value.encode()) for name, value in pairs.items()]


# Host and Origin, as functions


@pytest.mark.parametrize("host", ["localhost:8123", "127.0.0.1:8123", "[::1]:8123", "LOCALHOST:8123"])
def test_our_own_names_are_answered(host: str) -> None:
    assert check_host(headers(host=host), SITE) is None


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost",
        "localhost:80",
        "localhost:8123.evil.example",
        "evil.example",
        "evil.example:8123",
        "localhost.evil.example:8123",
        "127.0.0.1.nip.io:8123",
        "0.0.0.0:8123",
        "localhost:8123, evil.example",
        "localhost:8123@evil.example",
        "localhost.:8123",
    ],
)
def test_any_other_name_is_turned_away(host: str) -> None:
    refusal = check_host(headers(host=host), SITE)
    assert refusal is not None
    assert (refusal.status, refusal.hint) == (421, f"Open {OURS} instead.")


def test_a_request_needs_exactly_one_host() -> None:
    assert check_host([], SITE) is not None
    assert check_host([*headers(host=f"localhost:{PORT}"), *headers(host="evil.example")], SITE) is not None


def test_a_configured_name_is_answered_too() -> None:
    site = local_site(80, ["Forge.Example:8443"])
    assert check_host(headers(host="forge.example:8443"), site) is None
    assert check_host(headers(host="localhost"), site) is None
    assert check_origin(headers(origin="https://forge.example:8443"), site, needed=True) is None


@pytest.mark.parametrize(
    ("sent", "needed", "let_in"),
    [
        ({}, False, True),
        ({}, True, False),
        ({"origin": OURS}, True, True),
        ({"origin": f"http://127.0.0.1:{PORT}"}, True, True),
        ({"origin": "http://evil.example"}, False, False),
        ({"origin": "http://localhost:3000"}, False, False),
        ({"origin": f"https://localhost:{PORT}"}, False, False),
        ({"origin": f"{OURS}.evil.example"}, False, False),
        ({"origin": "null"}, False, False),
        ({"origin": ""}, False, False),
        ({"sec_fetch_site": "same-origin"}, True, True),
        ({"sec_fetch_site": "none"}, True, False),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"}, False, False),
        ({"sec_fetch_site": "same-site", "sec_fetch_mode": "no-cors"}, False, False),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}, False, True),
        ({"sec_fetch_site": "same-origin", "origin": "http://evil.example"}, True, False),
    ],
)
def test_only_our_own_pages_may_send(sent: dict[str, str], needed: bool, let_in: bool) -> None:
    assert (check_origin(headers(**sent), SITE, needed=needed) is None) is let_in


# The middleware and the dependencies, through HTTP


def test_nobody_gets_a_401_that_says_what_to_do(home: Path) -> None:
    async def scenario(door: Door) -> None:
        for sent in (
            {},
            {"cookie": "volundr=x"},
            {"authorization": "Bearer x"},
            {"authorization": "Basic eDp5"},
            {"cookie": "volundr="},
        ):
            answer = await door.http.get("/api/v1/me", headers=sent)
            assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
            assert answer.headers["www-authenticate"] == 'Bearer realm="volundr"'
            assert "volundr up" in answer.json()["hint"]
        assert (await door.http.get("/open")).status_code == 200

    at_the_door(home, scenario)


def test_a_wrong_token_is_not_saved_by_a_good_cookie(home: Path) -> None:
    async def scenario(door: Door) -> None:
        await door.log_in()
        assert (await door.http.get("/api/v1/me", headers={"authorization": "Bearer x"})).status_code == 401

    at_the_door(home, scenario)


def test_a_change_with_the_cookie_must_come_from_our_page(home: Path) -> None:
    async def scenario(door: Door) -> None:
        await door.log_in()
        path = f"/api/v1/sessions/{SESSION}/stop"
        for sent, status in (
            ({}, 403),
            ({"origin": "http://evil.example"}, 403),
            ({"origin": "http://localhost:3000"}, 403),
            ({"origin": OURS}, 200),
            ({"sec-fetch-site": "same-origin"}, 200),
            (door.bearer, 200),
            (door.bearer | {"origin": "http://evil.example"}, 403),
        ):
            assert (await door.http.post(path, headers=sent)).status_code == status, sent
        assert (await door.http.get("/api/v1/me", headers={"origin": "http://evil.example"})).status_code == 403

    at_the_door(home, scenario)


def test_a_foreign_host_is_turned_away_before_anything_else(home: Path) -> None:
    async def scenario(door: Door) -> None:
        for path in ("/open", "/api/v1/me", "/nothing"):
            answer = await door.http.get(path, headers=door.bearer | {"host": "evil.example"})
            assert (answer.status_code, answer.headers["content-type"]) == (421, "application/problem+json")

    at_the_door(home, scenario)


def test_every_answer_carries_the_security_headers(home: Path) -> None:
    async def scenario(door: Door) -> None:
        for path, sent in (("/open", {}), ("/api/v1/me", {}), ("/nothing", {}), ("/open", {"host": "evil.example"})):
            answer = await door.http.get(path, headers=sent)
            assert HEADERS.items() <= dict(answer.headers).items()
        assert (await door.http.get("/api/v1/me", headers=door.bearer)).headers["cache-control"] == "no-store"

    at_the_door(home, scenario)


def test_a_sessions_own_key_reports_for_that_session_and_opens_nothing_else(home: Path) -> None:
    async def scenario(door: Door) -> None:
        key = {"authorization": f"Bearer {derive(door.keys.session(SESSION), 'report')}"}
        for method, path, status in (
            ("PUT", f"/api/v1/sessions/{SESSION}/activity", 200),
            ("PUT", f"/api/v1/sessions/{OTHER}/activity", 401),
            ("POST", f"/api/v1/sessions/{SESSION}/stop", 403),
            ("GET", "/api/v1/me", 401),
            ("POST", "/api/v1/login/codes", 401),
        ):
            assert (await door.http.request(method, path, headers=key)).status_code == status, path
        for purpose in ("cli", "report:x"):
            wrong = {"authorization": f"Bearer {derive(door.keys.session(SESSION), purpose)}"}
            assert (await door.http.put(f"/api/v1/sessions/{SESSION}/activity", headers=wrong)).status_code == 401

    at_the_door(home, scenario)


# Identity and authorization


def test_a_pod_is_known_only_on_the_path_of_its_session(home: Path) -> None:
    keys = keys_of(home)
    identity = LocalIdentity(keys, FileLogins(home / "run" / "logins.json"))
    value = derive(keys.session(SESSION), "report")
    found = asyncio.run(identity.identify(Credentials(kind="bearer", value=value, session_id=str(SESSION))))
    assert found is not None
    assert (found.kind, found.session_id) == ("pod", str(SESSION))
    assert asyncio.run(identity.identify(Credentials(kind="bearer", value=value))) is None
    assert asyncio.run(identity.identify(Credentials(kind="bearer", value=value, session_id=str(OTHER)))) is None
    assert asyncio.run(identity.identify(Credentials(kind="cookie", value=keys.token))) is None

    def allows(action: str, session: UUID | None = None) -> bool:
        resource = Resource(kind="session", id=str(session)) if session else None
        return asyncio.run(AllowAll().allows(found, action, resource))

    assert allows("session.report", SESSION)
    assert not allows("session.report", OTHER)
    assert not allows("session.report")
    assert not allows("session.write", SESSION)
