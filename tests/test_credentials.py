"""Credentials: every store by one contract, what sessions get of them, and that no value is ever seen."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.conftest import NO_POSTGRES, POSTGRES, postgres_schema, sqlite_file
from tests.forge import Site, in_forge
from tests.test_tenancy import on_server, somebody
from volundr.broker import mounts as broker_mounts
from volundr.contracts.credentials import ADA, HARBOR, KEY, CredentialStoreContract, credential
from volundr.db.migrate import migrate
from volundr.domain.credentials import Credential, CredentialService, CredentialStorePort, owners_of
from volundr.domain.errors import Invalid, NotFound, Unavailable
from volundr.domain.mounts import CredentialType, check, mount, together
from volundr.domain.secrets import FileInjection, SecretContributor, StoreRepository
from volundr.domain.sessions.model import Options, Session
from volundr.domain.sessions.spec import MountedFile, SessionSpec
from volundr.local.credentials import FileCredentials, MemoryCredentials
from volundr.local.sealing import sealing_keys
from volundr.store.credentials import CredentialStore
from volundr.store.opening import MIGRATIONS
from volundr.store.sealed import Seal

CANARY = "canary-3f9a1c77"
SSH = "-----BEGIN OPENSSH PRIVATE KEY-----\r\nabc\r\n-----END OPENSSH PRIVATE KEY-----"


def seal(folder: Path) -> Seal:
    folder.chmod(0o700)
    return Seal(sealing_keys(folder, keyring=False))


class TestMemory(CredentialStoreContract):
    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[CredentialStorePort]:
        yield MemoryCredentials()


class TestFile(CredentialStoreContract):
    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[CredentialStorePort]:
        yield FileCredentials(folder / "credentials.json", seal(folder))


class TestSqlite(CredentialStoreContract):
    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[CredentialStorePort]:
        async with sqlite_file(folder) as db:
            await migrate(db, MIGRATIONS)
            yield CredentialStore(db, seal(folder))


@pytest.mark.skipif(not POSTGRES, reason=NO_POSTGRES)
class TestPostgres(CredentialStoreContract):
    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[CredentialStorePort]:
        async with postgres_schema() as db:
            await migrate(db, MIGRATIONS)
            yield CredentialStore(db, seal(folder))


# Encryption


def test_no_value_stands_in_the_file_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    store = FileCredentials(tmp_path / "credentials.json", seal(tmp_path))
    asyncio.run(store.store(ADA, credential("a"), {"api_key": CANARY}, None))
    assert CANARY not in (tmp_path / "credentials.json").read_text()
    for name in ("credentials.json", "credentials.key"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_with_another_key_nothing_is_read_and_nothing_written_over(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    asyncio.run(FileCredentials(path, seal(tmp_path)).store(ADA, credential("a"), KEY, None))
    before = path.read_bytes()
    (tmp_path / "credentials.key").write_text("00" * 32)
    other = FileCredentials(path, seal(tmp_path))
    for attempt in (other.values(ADA, "a"), other.store(ADA, credential("b"), KEY, None), other.check_health()):
        with pytest.raises(Unavailable, match="another key"):
            asyncio.run(attempt)
    assert path.read_bytes() == before


def test_a_key_is_rotated_by_a_new_first_line(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    asyncio.run(FileCredentials(path, seal(tmp_path)).store(ADA, credential("a"), KEY, None))
    file = tmp_path / "credentials.key"
    file.write_text("11" * 32 + "\n" + file.read_text())
    rotated = FileCredentials(path, seal(tmp_path))
    asyncio.run(rotated.store(ADA, credential("b"), KEY, None))
    assert asyncio.run(rotated.values(ADA, "a")) == KEY
    file.write_text("11" * 32)
    assert asyncio.run(FileCredentials(path, seal(tmp_path)).values(ADA, "b")) == KEY


def test_a_damaged_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"
    path.write_text("[[1]]")
    path.chmod(0o600)
    store = FileCredentials(path, seal(tmp_path))
    with pytest.raises(Unavailable, match="damaged"):
        asyncio.run(store.store(ADA, credential("a"), KEY, None))
    assert path.read_text() == "[[1]]"


# What sessions get


def test_each_type_becomes_what_its_programs_look_for() -> None:
    assert mount("anthropic", CredentialType.API_KEY, {"api_key": "k"}).env == {"ANTHROPIC": "k"}
    assert mount("x", CredentialType.API_KEY, {"api_key": "k", "variable": "ANTHROPIC_API_KEY"}).env == {"ANTHROPIC_API_KEY": "k"}
    assert mount("my-app", CredentialType.GENERIC, {"user": "u", "DB_URL": "d"}).env == {"MY_APP_USER": "u", "DB_URL": "d"}
    cert = mount("web", CredentialType.TLS_CERT, {"certificate": "c", "private_key": "p"})
    assert cert.env == {"WEB_CERT_FILE": "${mounts}/tls/web.crt", "WEB_KEY_FILE": "${mounts}/tls/web.key"}
    key = mount("deploy", CredentialType.SSH_KEY, check(CredentialType.SSH_KEY, {"private_key": SSH}))
    assert key.files[0].content.endswith("KEY-----\n")
    assert "\r" not in key.files[0].content
    env, _ = together([key])
    assert "-i '${mounts}/ssh/deploy' -o IdentitiesOnly=yes" in env["GIT_SSH_COMMAND"]


@pytest.mark.parametrize(
    ("kind", "values", "cause"),
    [
        (CredentialType.API_KEY, {}, "needs 'api_key'"),
        (CredentialType.API_KEY, {"api_key": CANARY, "colour": "red"}, "no 'colour'"),
        (CredentialType.API_KEY, {"api_key": CANARY, "variable": "lower case"}, "capitals"),
        (CredentialType.SSH_KEY, {"private_key": CANARY}, "no private key"),
        (CredentialType.TLS_CERT, {"certificate": CANARY, "private_key": CANARY}, "PEM"),
        (CredentialType.GIT_CREDENTIAL, {"url": "ssh://h", "username": "u", "password": CANARY}, "https://host"),
        (CredentialType.GENERIC, {"a": ""}, "at least one"),
    ],
)
def test_what_cannot_be_one_is_refused_without_showing_it(kind: CredentialType, values: dict[str, str], cause: str) -> None:
    with pytest.raises(Invalid) as refused:
        check(kind, values)
    assert cause in str(refused.value)
    assert CANARY not in f"{refused.value} {refused.value.hint}"


def test_git_uses_a_credential_for_its_host_alone(tmp_path: Path) -> None:
    values = {"url": "https://git.example.org", "username": "ada", "password": "p@ss:w/rd ü"}
    env, files = together([mount("work", CredentialType.GIT_CREDENTIAL, values)])
    spec = SessionSpec(
        session_id="s", name="s", agent="demo", files=[MountedFile(path=one.path, content=one.content) for one in files]
    )
    broker_mounts.write(tmp_path, spec)
    placed = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **broker_mounts.placed(tmp_path, env)}

    def fill(host: str) -> str:
        asked = f"protocol=https\nhost={host}\n\n"
        return subprocess.run(
            ["git", "credential", "fill"],
            input=asked,
            env={**placed, "GIT_TERMINAL_PROMPT": "0"},
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        ).stdout

    assert "password=p@ss:w/rd ü\n" in fill("git.example.org")
    assert fill("elsewhere.example.org") == ""


def test_a_persons_own_goes_before_the_tenants(tmp_path: Path) -> None:
    async def main() -> None:
        service = CredentialService(MemoryCredentials())
        for owner, value in ((ADA, "hers"), (HARBOR, "theirs")):
            await service.put(owner, Credential(name="k", type=CredentialType.API_KEY, keys=()), {"api_key": value}, None)
        await service.put(HARBOR, Credential(name="t", type=CredentialType.API_KEY, keys=()), {"api_key": "shared"}, None)

        def session(*names: str, owner: str = "ada") -> Session:
            return Session(name="s", agent="demo", owner_id=owner, tenant_id="harbor", options=Options(credentials=names))

        contributor = SecretContributor(FileInjection(StoreRepository(service)))
        assert (await contributor.contribute(session("k", "t"))).env == {"K": "hers", "T": "shared"}
        assert (await contributor.contribute(session("k", owner="bob"))).env == {"K": "theirs"}
        with pytest.raises(NotFound, match="nothing"):
            await contributor.contribute(session("nothing"))
        assert [one.scope for one in owners_of("ada", "harbor")] == ["user", "tenant"]

    asyncio.run(main())


# Skuld's side


def test_secret_files_stand_outside_the_workspace_and_go_with_the_session(tmp_path: Path) -> None:
    files = [MountedFile(path="ssh/key", content="x\n"), MountedFile(path="tls/a.crt", content="y")]
    spec = SessionSpec(session_id="s", name="s", agent="demo", files=files)
    broker_mounts.write(tmp_path, spec)
    assert (tmp_path / "mounts/ssh/key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "mounts").stat().st_mode & 0o777 == 0o700
    broker_mounts.write(tmp_path, SessionSpec(session_id="s", name="s", agent="demo", files=files[1:]))
    assert not (tmp_path / "mounts/ssh/key").exists()
    broker_mounts.remove(tmp_path)
    assert not (tmp_path / "mounts").exists()


@pytest.mark.parametrize("path", ["../out", "/etc/passwd", "a/../../b", ""])
def test_a_secret_file_does_not_lead_out(tmp_path: Path, path: str) -> None:
    spec = SessionSpec(session_id="s", name="s", agent="demo", files=[MountedFile(path=path, content="x")])
    with pytest.raises(Invalid, match="leads out"):
        broker_mounts.write(tmp_path / "session", spec)


# Through HTTP


def test_values_go_in_and_never_come_out(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        said = []
        body = {"type": "api_key", "values": {"api_key": CANARY}, "note": "n"}
        path = "/api/v1/credentials/anthropic"
        made = await site.http.put(path, json=body, headers={"if-match": '"0"'})
        assert (made.status_code, made.headers["etag"], made.json()["keys"]) == (200, '"1"', ["api_key"])
        said += [made, await site.http.put(path, json=body, headers={"if-match": '"0"'})]
        assert said[-1].status_code == 412
        for get in ("", "/anthropic", "/anthropic/mount-preview", "/-/types", "/nothing", "?type=api_key"):
            said.append(await site.http.get(f"/api/v1/credentials{get}"))
        assert said[4].json() == {"variables": ["ANTHROPIC"], "files": []}
        preview = {"name": "web", "type": "ssh_key", "values": {"private_key": CANARY}}
        said.append(await site.http.post("/api/v1/credentials/-/mount-preview", json=preview))
        assert said[-1].status_code == 422
        options = {"credentials": ["anthropic"]}
        started = await site.http.post("/api/v1/sessions", json={"name": "s", "agent": "demo", "options": options})
        session = await site.until(started.json()["id"], "running")
        assert site.pods.specs[next(iter(site.pods.specs))].env["ANTHROPIC"] == CANARY
        said.append(await site.http.get(f"/api/v1/sessions/{session['id']}/options"))
        assert all(CANARY not in one.text for one in said)
        assert all(CANARY not in file.read_text("latin-1") for file in site.home.rglob("*") if file.is_file())
        assert (await site.http.delete(path)).status_code == 204
        assert (await site.http.get(path)).status_code == 404

    in_forge(tmp_path, scenario)


def test_a_tenants_credentials_are_its_administrators_to_change(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        ada, bob = await somebody(site, "ada"), await somebody(site, "bob")
        body = {"type": "api_key", "values": {"api_key": CANARY}}
        shared = {"scope": "tenant"}
        assert (await ada.put("/api/v1/credentials/k", json=body, params=shared)).status_code == 403
        assert (await site.http.put("/api/v1/credentials/k", json=body, params=shared)).status_code == 200
        assert (await ada.put("/api/v1/credentials/mine", json=body)).status_code == 200
        assert (await bob.get("/api/v1/credentials/mine")).status_code == 404
        assert (await bob.get("/api/v1/credentials")).json()["items"] == []
        assert (await site.http.get("/api/v1/credentials")).json()["items"] == []

    on_server(tmp_path, scenario)
