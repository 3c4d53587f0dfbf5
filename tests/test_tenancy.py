"""Tenants, people, roles, keys and quotas: on both databases, and through a server's own door."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Run
from tests.forge import Site, forge_in
from volundr.db.database import Database
from volundr.db.migrate import migrate
from volundr.domain.errors import Changed, Conflict, Forbidden, NotFound
from volundr.domain.identity import Credentials
from volundr.domain.paging import PageRequest
from volundr.domain.roles import Role
from volundr.domain.sessions.model import Session, Status
from volundr.domain.tenants import DEFAULT, Tenant, TenantQuota, TenantService, contains
from volundr.domain.users import Membership, User, UserService, UserStatus
from volundr.local.accounts import AccountLogins, AccountsIdentity, first_admin, hashed, new_token
from volundr.local.identity import Keys
from volundr.store.account_keys import AccountKeyStore
from volundr.store.opening import MIGRATIONS
from volundr.store.sessions import SessionStore
from volundr.store.tenants import TenantStore
from volundr.store.users import UserStore

KEYS = Keys(master="m", token="t")


async def prepared(db: Database) -> tuple[TenantService, UserService]:
    await migrate(db, MIGRATIONS)
    await TenantStore(db).ensure_default()
    return TenantService(TenantStore(db)), UserService(UserStore(db))


def tenant(name: str, parent: str = "", **more: Any) -> Tenant:
    return Tenant(id=name, name=name.title(), parent_id=parent, path="", **more)


# The hierarchy


def test_a_path_is_compared_by_whole_ids() -> None:
    assert contains("default/acme", "default/acme")
    assert contains("default/acme", "default/acme/dev")
    assert not contains("default/acme", "default/acme2")
    assert not contains("default/acme/dev", "default/acme")


def test_tenants_stand_below_each_other(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        tenants, _ = await prepared(db)
        await tenants.create(DEFAULT, tenant("acme"))
        await tenants.create(DEFAULT, tenant("acme2"))
        made = await tenants.create("acme", tenant("dev"))
        assert made.path == "default/acme/dev"
        assert made.lineage == ["default", "acme", "dev"]
        assert [one.id for one in (await tenants.list("acme", PageRequest())).items] == ["acme", "dev"]
        assert [one.id for one in (await tenants.list(DEFAULT, PageRequest())).items] == ["default", "acme", "dev", "acme2"]
        for above_or_beside in ("default", "acme2"):
            with pytest.raises(NotFound):
                await tenants.within("acme", above_or_beside)
        with pytest.raises(Conflict, match="already"):
            await tenants.create(DEFAULT, tenant("dev"))
        with pytest.raises(NotFound):
            await tenants.create("acme2", tenant("x", parent="dev"))

    on_database(scenario)


def test_what_is_not_empty_cannot_be_deleted_and_the_default_never(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        tenants, users = await prepared(db)
        await tenants.create(DEFAULT, tenant("acme"))
        await tenants.create("acme", tenant("dev"))
        await users.create(User(id="ada", tenant_id="acme"), Role.ADMIN)
        await SessionStore(db).add(Session(name="s", agent="demo", tenant_id="acme"))
        with pytest.raises(Conflict, match="default"):
            await tenants.delete(DEFAULT, DEFAULT)
        with pytest.raises(Conflict, match="1 tenants, 1 sessions, 1 users"):
            await tenants.delete(DEFAULT, "acme")
        with pytest.raises(Forbidden):
            await tenants.delete("dev", "dev")
        await tenants.delete("acme", "dev")
        with pytest.raises(NotFound):
            await tenants.get("dev")

    on_database(scenario)


def test_quotas_are_set_from_above(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        tenants, _ = await prepared(db)
        await tenants.create(DEFAULT, tenant("acme"))
        with pytest.raises(Forbidden, match="above"):
            await tenants.change("acme", "acme", {"max_sessions": 9}, None)
        assert (await tenants.change("acme", "acme", {"name": "ACME"}, 1)).revision == 2
        changed = await tenants.change(DEFAULT, "acme", {"max_sessions": 9, "budget_usd": 1.5}, 2)
        assert (changed.max_sessions, changed.budget_usd) == (9, 1.5)
        assert (await tenants.change(DEFAULT, "acme", {"max_sessions": None}, None)).max_sessions is None
        with pytest.raises(Changed):
            await tenants.change(DEFAULT, "acme", {"name": "x"}, 1)

    on_database(scenario)


def test_of_forty_starts_at_once_no_more_than_the_quota_are_let_through(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        tenants, _ = await prepared(db)
        await tenants.create(DEFAULT, tenant("acme", max_sessions=5))
        await tenants.create("acme", tenant("dev"))
        await tenants.create("acme", tenant("ops", max_sessions=2))
        store, gate = SessionStore(db), TenantQuota(TenantStore(db))
        sessions = [Session(name=f"s{n}", agent="demo", tenant_id="ops" if n % 4 == 0 else "dev") for n in range(40)]
        for one in sessions:
            await store.add(one)

        async def begin(session: Session) -> str:
            try:
                await gate.admit(session, "start")
            except Conflict as full:
                return str(full)
            await store.move(session.id, Status.STARTING, {})
            return session.tenant_id

        outcome = await asyncio.gather(*(begin(one) for one in sessions))
        assert len([one for one in outcome if one in {"dev", "ops"}]) == 5
        assert len([one for one in outcome if one == "ops"]) <= 2
        up = next(one for one, what in zip(sessions, outcome, strict=True) if what in {"dev", "ops"})
        await gate.admit(up, "start")  # its own place does not stand in its way
        await store.move(up.id, Status.FAILED, {})
        refused = next(one for one, what in zip(sessions, outcome, strict=True) if "sessions up" in what)
        with pytest.raises(Conflict, match="sessions up"):  # its place is kept for a moment
            await gate.admit(refused, "start")

    on_database(scenario)


# People


def test_somebody_new_is_made_once_however_many_do_it(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        _, users = await prepared(db)
        store = UserStore(db)
        made = await asyncio.gather(*(store.provision(User(id="auth0|x", email="a@b"), Role.VIEWER) for _ in range(10)))
        assert len({one.created_at for one in made}) == 1
        assert [one.role for one in await users.memberships("auth0|x")] == [Role.VIEWER]
        await store.provision(User(id="other", email="a@b"), Role.VIEWER)  # two may share an address
        with pytest.raises(Conflict, match="already"):
            await users.create(User(id="other"), Role.ADMIN)

    on_database(scenario)


def test_administrators_see_the_people_of_their_tenants(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        tenants, users = await prepared(db)
        acme = await tenants.create(DEFAULT, tenant("acme"))
        await users.create(User(id="ada", tenant_id="acme"), Role.ADMIN)
        await users.create(User(id="bob", name="Bob 100%"), Role.DEVELOPER)
        assert [one.id for one in (await users.list(acme.path, "", PageRequest())).items] == ["ada"]
        with pytest.raises(NotFound):
            await users.within(acme.path, "bob")
        await users.grant(Membership(user_id="bob", tenant_id="acme", role=Role.VIEWER))
        assert [one.id for one in (await users.list(acme.path, "", PageRequest())).items] == ["ada", "bob"]
        assert [one.id for one in (await users.list(DEFAULT, "0%", PageRequest())).items] == ["bob"]
        assert [one.user_id for one in (await users.members("acme", PageRequest())).items] == ["ada", "bob"]
        await users.revoke("acme", "bob")
        assert not [one for one in await users.memberships("bob") if one.tenant_id == "acme"]

    on_database(scenario)


# Keys


def test_a_token_is_its_persons_in_the_tenants_they_belong_to(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        tenants, users = await prepared(db)
        await tenants.create(DEFAULT, tenant("acme"))
        await tenants.create("acme", tenant("dev"))
        await tenants.create(DEFAULT, tenant("sea"))
        await users.create(User(id="ada", name="Ada", tenant_id="acme"), Role.ADMIN)
        await users.grant(Membership(user_id="ada", tenant_id="dev", role=Role.VIEWER))
        keys = AccountKeyStore(db)
        identity = AccountsIdentity(keys, KEYS)
        secret, token = new_token("ada", "ci")
        await keys.add_token(token)

        async def who(value: str = secret, tenant_id: str = "") -> Any:
            return await identity.identify(Credentials(kind="bearer", value=value, tenant_id=tenant_id))

        home = await who()
        assert (home.user_id, home.name, home.tenant_id, home.roles) == ("ada", "Ada", "acme", {"admin"})
        assert (await who(tenant_id="dev")).roles == {"admin", "viewer"}
        for stranger in ("sea", "default", "nowhere"):
            assert await who(tenant_id=stranger) is None
        assert await who("vol_wrong") is None
        await users.change("ada", {"status": UserStatus.SUSPENDED}, None)
        assert (await who()).suspended
        assert (await keys.tokens("ada", PageRequest())).items[0].used_at is not None
        await keys.delete_token("ada", token.id)
        assert await who() is None
        over, late = new_token("ada", "late", timedelta(seconds=-1))
        await keys.add_token(late)
        assert await who(over) is None
        with pytest.raises(Conflict, match="late"):
            await keys.add_token(new_token("ada", "late")[1])

    on_database(scenario)


def test_a_login_link_works_once_and_its_cookie_until_it_is_revoked(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        _, users = await prepared(db)
        await users.create(User(id="ada"), Role.DEVELOPER)
        keys = AccountKeyStore(db)
        logins, other_worker = AccountLogins(keys), AccountLogins(keys)
        code = await logins.code_for("ada")
        redeemed = await asyncio.gather(*(one.redeem(code) for one in (logins, other_worker) * 3), return_exceptions=True)
        cookies = [one for one in redeemed if isinstance(one, tuple)]
        assert len(cookies) == 1
        identity = AccountsIdentity(keys, KEYS)
        shown = Credentials(kind="cookie", value=cookies[0][0])
        found = await identity.identify(shown)
        assert found is not None
        assert found.user_id == "ada"
        await other_worker.revoke(shown.value)
        assert await identity.identify(shown) is None
        for _ in range(20):
            with pytest.raises(Forbidden):
                await logins.redeem("guess")
        with pytest.raises(Forbidden, match="Too many"):
            await logins.redeem(await other_worker.code_for("ada"))

    on_database(scenario)


def test_the_first_administrator_is_made_once_by_many_workers(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        await prepared(db)
        users, keys = UserStore(db), AccountKeyStore(db)
        await asyncio.gather(*(first_admin(users, keys, tmp_path / "admin-token") for _ in range(8)))
        secret = (tmp_path / "admin-token").read_text().strip()
        assert (tmp_path / "admin-token").stat().st_mode & 0o777 == 0o600
        assert len((await keys.tokens("admin", PageRequest())).items) == 1
        known = await keys.by_token(hashed(secret), "")
        assert known is not None
        assert known.roles == {Role.ADMIN}

    on_database(scenario)


# Through the door of a server


type Scenario = Callable[[Site], Awaitable[None]]


def on_server(tmp_path: Path, scenario: Scenario) -> None:
    async def main() -> None:
        async with forge_in(tmp_path / "home", server=True) as site:
            await scenario(site)

    asyncio.run(main())


async def somebody(site: Site, name: str, role: str = "developer", tenant_id: str = "") -> httpx.AsyncClient:
    """A new person's own client: they were sent a login link, redeemed it and made a token."""
    made = await site.http.post("/api/v1/users", json={"id": name, "role": role, "tenant_id": tenant_id})
    assert made.status_code == 201, made.text
    link = (await site.http.post(f"/api/v1/users/{name}/login-link")).json()["url"]
    anonymous = httpx.AsyncClient(transport=site.http._transport, base_url=site.http.base_url)
    origin = {"origin": str(site.http.base_url).rstrip("/")}
    answer = await anonymous.post("/api/v1/login", json={"code": link.partition("#")[2]}, headers=origin)
    assert answer.status_code == 204, answer.text
    cookie = anonymous.cookies["volundr"]
    token = await anonymous.post(
        "/api/v1/access-tokens", json={"name": "test"}, headers={**origin, "cookie": f"volundr={cookie}"}
    )
    if token.status_code == 201:
        anonymous.headers["authorization"] = f"Bearer {token.json()['token']}"
    anonymous.cookies.clear()
    return anonymous


def test_people_see_their_own_sessions_and_administrators_all_of_the_tenant(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        ada, bob = await somebody(site, "ada"), await somebody(site, "bob")
        made = (await ada.post("/api/v1/sessions", json={"name": "hers", "agent": "demo", "start": False})).json()
        path = f"/api/v1/sessions/{made['id']}"
        assert (await ada.get(path)).status_code == 200
        for method, suffix in (("GET", ""), ("GET", "/logs"), ("POST", "/start"), ("PATCH", ""), ("DELETE", "")):
            answer = await bob.request(method, path + suffix, json={"name": "x"} if method == "PATCH" else None)
            assert answer.status_code == 404, (method, suffix, answer.text)
        assert (await bob.get("/api/v1/sessions")).json()["items"] == []
        assert (await bob.get("/api/v1/sessions", params={"owner": "all"})).status_code == 403
        assert (await site.http.get("/api/v1/sessions")).json()["items"] == []
        everybodys = (await site.http.get("/api/v1/sessions", params={"owner": "all"})).json()["items"]
        assert [one["name"] for one in everybodys] == ["hers"]
        assert (await site.http.delete(path)).status_code == 204

    on_server(tmp_path, scenario)


def test_a_viewer_reads_and_changes_nothing(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        eve = await somebody(site, "eve", "viewer")
        assert (await eve.get("/api/v1/sessions")).status_code == 200
        made = await eve.post("/api/v1/sessions", json={"name": "x", "agent": "demo", "start": False})
        assert made.status_code == 403
        assert (await eve.get("/api/v1/users")).status_code == 403

    on_server(tmp_path, scenario)


def test_who_is_suspended_is_refused_from_the_next_request_on(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        ada = await somebody(site, "ada")
        assert (await ada.get("/api/v1/me")).json()["user_id"] == "ada"
        seen = (await site.http.get("/api/v1/users/ada")).headers["etag"]
        changed = await site.http.patch("/api/v1/users/ada", json={"status": "suspended"}, headers={"if-match": seen})
        assert changed.json()["status"] == "suspended"
        refused = await ada.get("/api/v1/sessions")
        assert (refused.status_code, "suspended" in refused.text) == (403, True)
        assert (await site.http.patch("/api/v1/users/admin", json={"status": "suspended"})).status_code == 409

    on_server(tmp_path, scenario)


def test_an_administrator_of_one_tenant_is_nobody_in_another(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        for name in ("acme", "sea"):
            assert (await site.http.post("/api/v1/tenants", json={"id": name, "name": name})).status_code == 201
        boss = await somebody(site, "boss", "admin", "acme")
        assert [one["id"] for one in (await boss.get("/api/v1/tenants")).json()["items"]] == ["acme"]
        for path in ("/api/v1/tenants/sea", "/api/v1/tenants/default", "/api/v1/users/admin", "/api/v1/tenants/sea/members"):
            assert (await boss.get(path)).status_code == 404, path
        grab = await boss.put("/api/v1/tenants/default/members/boss", json={"role": "admin"})
        assert grab.status_code == 404
        assert (await boss.get("/api/v1/sessions", headers={"volundr-tenant": "sea"})).status_code == 401
        assert (await boss.patch("/api/v1/tenants/acme", json={"max_sessions": 99})).status_code == 403
        below = await boss.post("/api/v1/tenants", json={"id": "dev", "name": "Dev"})
        assert below.json()["path"] == "default/acme/dev"
        acting = {"volundr-tenant": "dev"}
        made = await boss.post("/api/v1/sessions", json={"name": "x", "agent": "demo", "start": False}, headers=acting)
        assert made.json()["tenant_id"] == "dev"

    on_server(tmp_path, scenario)


def test_a_folder_of_the_server_cannot_be_worked_in(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        source = {"type": "local", "path": str(tmp_path), "mode": "in_place"}
        made = await site.http.post("/api/v1/sessions", json={"name": "x", "agent": "demo", "source": source, "start": False})
        assert made.status_code == 403

    on_server(tmp_path, scenario)
