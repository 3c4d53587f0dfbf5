"""Every route against everybody: who may, who may not, and who does not even find it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.conftest import OnForge
from tests.forge import Site
from tests.matrix import BODIES, OPEN, STREAM, rules
from tests.test_tenancy import somebody
from volundr.api.routes import routers
from volundr.domain.roles import ACTIONS, Role
from volundr.domain.tickets import derive
from volundr.local.identity import keys_of

RULES = rules()
ABOVE, HERE, BELOW, BESIDE = "default", "acme", "dev", "zeta"
INSIDE = {"owner", "other", "viewer", "admin", "from above"}
"""Who acts in the tenant that the things are in."""
ROLES = {
    "owner": Role.DEVELOPER,
    "other": Role.DEVELOPER,
    "viewer": Role.VIEWER,
    "admin": Role.ADMIN,
    "from above": Role.ADMIN,
    "above": Role.ADMIN,
    "below": Role.ADMIN,
    "beside": Role.ADMIN,
    "developer beside": Role.DEVELOPER,
}
STRANGERS = {"nobody": 401, "suspended": 403, "another pod": 403}


@dataclass(frozen=True, slots=True)
class Crowd:
    """`people` by what they are to the things that `owner` makes in the tenant `HERE`."""

    site: Site
    people: Mapping[str, httpx.AsyncClient]

    async def thing(self, path: str) -> str:
        """This path with the ids of fresh things of the owner's."""
        number = uuid.uuid4().hex[:8]
        values: dict[str, str] = {"name": "box", "key": "A-1", "number": "1", "user_id": "p-other", "tenant_id": HERE}
        values |= {"token_id": str(uuid.uuid4()), "integration_id": str(uuid.uuid4())}
        if {"{session_id}", "{chronicle_id}", "{workspace_id}", "{budget_id}"} & set(path.split("/")):
            values |= await self._session(number, path)
        if "{preset_id}" in path:
            values["preset_id"] = await self._made("presets", {"name": number})
        if "{prompt_id}" in path:
            values["prompt_id"] = await self._made("prompts", {"name": number, "content": "x"})
        if "{mapping_id}" in path:
            values["mapping_id"] = await self._made("tracker/mappings", {"repo": number, "provider": "p", "project": "A"})
        return path.format(**values)

    async def _session(self, number: str, path: str) -> dict[str, str]:
        session_id = await self._made("sessions", {"name": f"s-{number}", "agent": "demo", "start": False})
        found = {"session_id": session_id, "workspace_id": session_id}
        if "chronicle" in path:
            found["chronicle_id"] = await self._made("chronicles", {"session_id": session_id})
        if "{workspace_id}" in path:
            place = self.site.home / "workspaces" / session_id
            place.mkdir(parents=True)
            await self.site.forge.db.run(
                "UPDATE sessions SET workspace = :place WHERE id = :id", place=str(place), id=uuid.UUID(session_id)
            )
        if "{budget_id}" in path:
            budget = {"scope": "session", "subject": session_id, "limit_usd": 5}
            found["budget_id"] = await self._made("budgets", budget)
        return found

    async def _made(self, what: str, body: object) -> str:
        made = await self.people["owner"].post(f"/api/v1/{what}", json=body)
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    async def still_there(self, place: str) -> int:
        """404, as if it had been said so, when the owner's administrator still finds it; 500 when not."""
        found = place.removesuffix("/default") if "/members/" not in place else place.partition("/members/")[0]
        return 404 if (await self.people["admin"].get(found)).status_code == 200 else 500

    async def ask(self, who: str, method: str, path: str, place: str) -> httpx.Response:
        body = BODIES.get((method, path.removeprefix("/api/v1")))
        return await self.people[who].request(method, place, json=body)


async def crowd(site: Site) -> Crowd:
    for parent, child in ((ABOVE, HERE), (HERE, BELOW), (ABOVE, BESIDE)):
        made = await site.http.post("/api/v1/tenants", json={"id": child, "name": child, "parent_id": parent})
        assert made.status_code == 201, made.text
    people = {"above": site.http}
    for who, role, tenant in (
        ("owner", "developer", HERE),
        ("other", "developer", HERE),
        ("viewer", "viewer", HERE),
        ("admin", "admin", HERE),
        ("below", "admin", BELOW),
        ("beside", "admin", BESIDE),
        ("developer beside", "developer", BESIDE),
        ("suspended", "admin", HERE),
    ):
        people[who] = await somebody(site, f"p-{who.replace(' ', '-')}", role, tenant)
    suspended = await site.http.patch("/api/v1/users/p-suspended", json={"status": "suspended"})
    assert suspended.status_code == 200, suspended.text
    people["from above"] = _client(site, {**site.http.headers, "volundr-tenant": HERE})
    people["nobody"] = _client(site, {})
    elsewhere = report_key(site, uuid.uuid4())
    people["another pod"] = _client(site, {"authorization": f"Bearer {elsewhere}"})
    return Crowd(site, people)


def report_key(site: Site, session_id: uuid.UUID) -> str:
    return derive(keys_of(site.home).session(session_id), "report")


def _client(site: Site, headers: Mapping[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=site.http._transport, base_url=site.http.base_url, headers=headers)


def expected(who: str, action: str, whose: str) -> str:
    """`through`, `refused` (403 or 404: the right is missing), or `hidden` (404)."""
    if action != "any" and ROLES[who] not in ACTIONS[action]:
        return "refused"
    if whose in {"-", "named"}:
        return "through"
    if whose == "forge":
        return "through" if who == "above" else "refused"
    if whose == "above":
        return {"above": "through", "admin": "refused", "from above": "refused"}.get(who, "hidden")
    if whose == "tenant":
        return "through" if who in INSIDE | {"above"} else "hidden"
    return "through" if who in {"owner", "admin", "from above"} else "hidden"


REACHED_FROM_ABOVE = frozenset({"/api/v1/tracker/mappings/{mapping_id}"})
"""Things of a tenant that one has to act in to see them: administrators above say so with `Volundr-Tenant`."""


def problem_with(want: str, got: int) -> bool:
    match want:
        case "through":
            return got in {401, 403} or got >= 500
        case "refused":
            return got not in {403, 404}
        case _:
            return got != 404


def test_every_route_is_in_the_table_and_every_line_of_it_is_a_route() -> None:
    there = {(method, route.path) for router in routers() for route in router.routes for method in route.methods}  # type: ignore[attr-defined]
    assert there - OPEN - {STREAM} == RULES.keys()


@pytest.mark.e2e
@pytest.mark.parametrize("who", sorted(STRANGERS))
def test_who_is_nobody_suspended_or_a_pod_of_another_session_gets_nowhere(on_forge: OnForge, who: str) -> None:
    async def scenario(site: Site) -> None:
        there = await crowd(site)
        wrong: list[Any] = []
        places: dict[str, str] = {}
        for method, path in sorted(RULES):
            place = places.get(path) or places.setdefault(path, await there.thing(path))
            got = (await there.ask(who, method, path, place)).status_code
            if got != STRANGERS[who] and not (who == "another pod" and got in {401, 404}):
                wrong.append((method, path, got))
        assert not wrong

    on_forge(scenario, server=True)


@pytest.mark.e2e
@pytest.mark.parametrize("who", sorted(ROLES))
def test_everybody_gets_what_is_theirs_and_nothing_else(on_forge: OnForge, who: str) -> None:
    async def scenario(site: Site) -> None:
        there = await crowd(site)
        wrong: list[Any] = []
        for (method, path), (action, whose) in sorted(RULES.items(), key=lambda one: one[0][0] == "DELETE"):
            want = expected(who, action, whose)
            if who == "above" and path in REACHED_FROM_ABOVE:
                want = "hidden"
            place = await there.thing(path)
            got = (await there.ask(who, method, path, place)).status_code
            if method == "DELETE" and want == "hidden" and got in {200, 204}:
                got = await there.still_there(place)  # to delete what one cannot see is done at once, and does nothing
            if problem_with(want, got) or (want == "through" and whose == "own" and got == 404):
                wrong.append((method, path, want, got))
        assert not wrong

    on_forge(scenario, server=True)


@pytest.mark.e2e
@pytest.mark.parametrize("who", ["other", "viewer", "below", "beside", "developer beside", "above"])
def test_no_list_shows_what_is_somebody_elses(on_forge: OnForge, who: str) -> None:
    async def scenario(site: Site) -> None:
        there = await crowd(site)
        session_id = (await there.thing("{session_id}/{budget_id}/{workspace_id}")).partition("/")[0]
        lists = [path for (method, path), (_, whose) in RULES.items() if method == "GET" and whose == "-" and "audit" not in path]
        for path in lists:
            for owner in ("me", "all"):
                answer = await there.people[who].get(path, params={"owner": owner, "by": "session"})
                assert session_id not in answer.text, (path, owner)
                everybody_here = owner == "all" and ROLES[who] is not Role.ADMIN
                shows_owners = path.rpartition("/")[2] in {
                    "sessions",
                    "chronicles",
                    "workspaces",
                    "budgets",
                    "stats",
                    "permissions",
                }
                assert not (everybody_here and shows_owners and answer.status_code != 403), (path, answer.status_code)
        stream = there.people[who].stream("GET", STREAM[1], params={"owner": "all"})
        if ROLES[who] is not Role.ADMIN:
            async with stream as answer:
                assert answer.status_code == 403

    on_forge(scenario, server=True)


@pytest.mark.e2e
def test_a_pod_reports_about_its_own_session_and_does_nothing_else(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        there = await crowd(site)
        wrong = []
        for method, path in sorted(RULES):
            place = await there.thing(path if "{session_id}" in path else f"{path}")
            session_id = place.split("/")[4] if "{session_id}" in path else str(uuid.uuid4())
            pod = _client(site, {"authorization": f"Bearer {report_key(site, uuid.UUID(session_id))}"})
            got = (await pod.request(method, place, json=BODIES.get((method, path.removeprefix("/api/v1"))))).status_code
            its_own = {"activity", "report", "events", "batch", "usage"}
            may = "{session_id}" in path and method in {"POST", "PUT"} and path.rpartition("/")[2] in its_own
            if (got in {401, 403, 404}) is may or got >= 500:
                wrong.append((method, path, got))
        assert not wrong

    on_forge(scenario, server=True)
