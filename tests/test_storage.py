"""Workspaces: listed and measured, kept apart before they go, and never a person's own folder."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.conftest import OnForge
from tests.forge import Site, in_forge
from tests.repositories import GIT_ENV, commit, git, session
from volundr.domain.errors import Conflict
from volundr.domain.sessions.model import EmptySource, GitSource, LocalSource, Session, Status
from volundr.domain.storage import Removed, WorkspaceService
from volundr.local.git import Git
from volundr.local.storage import LocalStorage
from volundr.local.workspaces import LocalWorkspaces
from volundr.store.sessions import SessionStore
from volundr.store.workspaces import WorkspaceStore


async def made(site: Site, name: str, status: Status = Status.STOPPED, days: float = 0, **values: Any) -> Session:
    """A session with a workspace of 8 KiB."""
    which = Session(name=name, agent="claude", owner_id="local", **values)
    place = site.home / "workspaces" / str(which.id)
    place.mkdir(parents=True)
    (place / "file").write_bytes(b"x" * 8192)
    store = SessionStore(site.forge.db)
    await store.add(which)
    await site.forge.db.run(
        "UPDATE sessions SET status = :status, workspace = :place, last_active = :used WHERE id = :id",
        status=status.value,
        place=str(place),
        used=datetime.now(UTC) - timedelta(days=days),
        id=which.id,
    )
    return which


def service(site: Site) -> WorkspaceService:
    (found,) = (part.services[WorkspaceService] for part in site.forge.parts if WorkspaceService in part.services)
    assert isinstance(found, WorkspaceService)
    return found


async def listed(site: Site, **wanted: Any) -> list[dict[str, Any]]:
    answer = await site.http.get("/api/v1/workspaces", params=wanted)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def test_workspaces_are_listed_with_what_they_take(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        old = await made(site, "old", days=3)
        await made(site, "new", Status.RUNNING, branch="volundr/new")
        folder = site.home / "mine"
        folder.mkdir()
        await made(site, "mine", source=LocalSource(path=str(folder), mode="in_place"))
        orphan = site.home / "workspaces" / str(uuid4())
        orphan.mkdir()
        (site.home / "workspaces" / "somebody's").mkdir()
        assert await service(site).look() == 2
        found = await listed(site)
        assert [(one["name"], one["status"]) for one in found if one["status"] != "orphaned"] == [
            ("new", "used"),
            ("old", "resting"),
        ]
        assert [one["path"] for one in await listed(site, status="orphaned")] == [str(orphan)]
        assert all(8192 <= one["size"] < 100_000 for one in found if one["status"] != "orphaned")
        assert [one["name"] for one in await listed(site, sort="name", status="resting")] == ["old"]
        assert [one["name"] for one in await listed(site, q="VOLUNDR/N")] == ["new"]
        assert (await site.http.get(f"/api/v1/workspaces/{old.id}")).json()["source_type"] == "empty"
        assert (await site.http.get(f"/api/v1/workspaces/{uuid4()}")).status_code == 404
        assert await service(site).look() == 0  # nothing was used since

    on_forge(scenario)


def test_a_workspace_that_is_used_stays_and_one_that_rests_goes_with_what_was_in_it_kept(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        used, resting = await made(site, "used", Status.RUNNING), await made(site, "resting")
        refused = await site.http.delete(f"/api/v1/workspaces/{used.id}")
        assert (refused.status_code, refused.json()["hint"]) == (409, "Stop the session first.")
        gone = (await site.http.delete(f"/api/v1/workspaces/{resting.id}")).json()
        assert gone["there"] is True
        assert (Path(gone["snapshot"]["name"]) / "file").stat().st_size == 8192
        assert not (site.home / "workspaces" / str(resting.id)).exists()
        assert (await site.http.delete(f"/api/v1/workspaces/{resting.id}")).json() == {"there": False, "snapshot": None}
        assert (await site.http.get(f"/api/v1/sessions/{resting.id}")).json()["status"] == "stopped"
        assert [one["name"] for one in await listed(site)] == ["used"]

    on_forge(scenario)


def test_a_session_that_starts_while_its_workspace_goes_keeps_the_new_one(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        session = await made(site, "s")
        stored = await service(site).get(session.id)
        store = SessionStore(site.forge.db)

        class Restarted(LocalStorage):
            """Somebody starts the session the moment its workspace is gone."""

            async def remove(self, session: Session, idle: Callable[[], Awaitable[bool]]) -> Removed | None:
                removed = await super().remove(session, idle)
                await store.move(session.id, Status.STARTING, {"workspace": "/new"})
                return removed

        folders = LocalWorkspaces(home=site.home, git=Git())
        kept = WorkspaceStore(site.forge.db)
        removing = WorkspaceService(Restarted(folders, str(site.home)), kept, store, ("default", "local"))
        assert (await removing.remove(stored)).there
        found = await store.get(session.id)
        assert found is not None
        assert found.workspace == "/new"

    on_forge(scenario)


def test_a_folder_that_another_session_works_in_stays(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        parent = await made(site, "parent")
        place = str(site.home / "workspaces" / str(parent.id))
        fork = Session(name="fork", agent="claude", source=LocalSource(path=place, mode="in_place"), workspace=place)
        await SessionStore(site.forge.db).add(fork)
        refused = await site.http.delete(f"/api/v1/workspaces/{parent.id}")
        assert (refused.status_code, "'fork' works in this folder too" in refused.json()["detail"]) == (409, True)

    in_forge(tmp_path, scenario)


def test_retention_shows_what_it_would_remove_and_removes_that_alone(on_forge: OnForge, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text("[retention]\nworkspaces_days = 30\n")

    async def scenario(site: Site) -> None:
        old, new = await made(site, "old", days=31), await made(site, "new", days=29)
        running = await made(site, "running", Status.RUNNING, days=90)
        elsewhere = await made(site, "elsewhere", days=90)
        (home / "workspaces" / str(elsewhere.id)).rename(tmp_path / "in the home of another server")
        await service(site).look()
        plan = (await site.http.get("/api/v1/retention")).json()["items"]
        assert [(one["session"], one["what"], one["size"] > 8000) for one in plan] == [(str(old.id), "workspace", True)]
        assert all((home / "workspaces" / str(one.id)).exists() for one in (old, new, running))
        gone = (await site.http.post("/api/v1/retention")).json()["items"]
        assert [(one["name"], one["problem"]) for one in gone] == [("old", "")]
        there = [(home / "workspaces" / str(one.id)).exists() for one in (old, new, running)]
        assert there == [False, True, True]
        assert (await site.http.get("/api/v1/retention")).json() == {"items": []}
        kept = await SessionStore(site.forge.db).get(elsewhere.id)
        assert kept is not None
        assert kept.workspace

    on_forge(scenario)


def test_a_tenant_whose_workspaces_take_all_its_room_gets_no_more(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        session_id = (await made(site, "one")).id
        assert (await site.http.patch("/api/v1/tenants/default", json={"max_storage_gb": 1})).status_code == 200
        await service(site).look()
        assert (await site.http.post(f"/api/v1/sessions/{session_id}/start")).status_code == 200
        await site.forge.db.run("UPDATE workspaces SET size = :size", size=2 * 2**30)
        new = {"name": "two", "agent": "claude", "source": {"type": "empty"}}
        refused = await site.http.post("/api/v1/sessions", json=new)
        assert refused.status_code == 409
        assert "take 2.0 GiB of the 1 GiB it may have" in refused.json()["detail"]
        assert (await site.http.patch("/api/v1/tenants/default", json={"max_storage_gb": 3})).status_code == 200
        assert (await site.http.post("/api/v1/sessions", json=new)).status_code == 201

    on_forge(scenario)


@pytest.fixture
def storage(tmp_path: Path) -> tuple[LocalStorage, LocalWorkspaces]:
    workspaces = LocalWorkspaces(home=tmp_path / "home", git=Git(env=GIT_ENV))
    return LocalStorage(workspaces, "/home/me"), workspaces


async def idle() -> bool:
    return True


def test_a_snapshot_of_a_worktree_is_a_commit_of_its_repository(
    storage: tuple[LocalStorage, LocalWorkspaces], tmp_path: Path
) -> None:
    async def scenario() -> None:
        repo = tmp_path / "project"
        repo.mkdir()
        git(repo, "init", "-q", "-b", "main")
        commit(repo, "README")
        which = session(LocalSource(path=str(repo)))
        place = Path((await storage[1].prepare(which)).path)
        (place / "new").write_text("not committed")
        kept = await storage[0].snapshot(which)
        assert kept.kept == "commit"
        assert (place / "new").read_text() == "not committed"
        assert git(place, "status", "--porcelain") == "?? new"
        back = tmp_path / which.name
        subprocess.run(kept.restore.split(), cwd=repo, env=GIT_ENV, check=True, capture_output=True, timeout=60)
        assert (repo / which.name / "new").read_text() == "not committed"
        assert not back.exists()

    asyncio.run(scenario())


@pytest.mark.parametrize("cloned", [True, False])
def test_a_snapshot_of_a_repository_of_its_own_is_a_file_that_brings_it_back(
    storage: tuple[LocalStorage, LocalWorkspaces], tmp_path: Path, cloned: bool
) -> None:
    async def scenario() -> None:
        origin = tmp_path / "origin"
        origin.mkdir()
        git(origin, "init", "-q", "-b", "main")
        commit(origin, "README")
        which = session(GitSource(url=f"file://{origin}") if cloned else EmptySource())
        place = Path((await storage[1].prepare(which)).path)
        (place / "new").write_text("not committed")
        kept = await storage[0].snapshot(which)
        assert kept.kept == "bundle"
        assert Path(kept.name).parent == tmp_path / "home" / "snapshots"
        removed = await storage[0].remove(which, idle)
        assert removed is not None
        assert removed.there
        subprocess.run(kept.restore, shell=True, cwd=tmp_path, env=GIT_ENV, check=True, capture_output=True, timeout=60)
        assert (tmp_path / "back" / "new").read_text() == "not committed"
        assert (tmp_path / "back" / "README").exists() is cloned

    asyncio.run(scenario())


def test_what_git_cannot_keep_is_packed_as_it_is(storage: tuple[LocalStorage, LocalWorkspaces], tmp_path: Path) -> None:
    async def scenario() -> None:
        which = session(EmptySource())
        place = Path((await storage[1].prepare(which)).path)
        inner = place / "inner"
        inner.mkdir()
        git(inner, "init", "-q", "-b", "main")
        commit(inner, "deep")
        kept = await storage[0].snapshot(which)
        assert kept.kept == "copy"
        subprocess.run(kept.restore.split(), cwd=tmp_path, check=True, timeout=60)
        assert (tmp_path / str(which.id) / "inner" / "deep").read_text() == "text"

    asyncio.run(scenario())


def test_the_worktree_of_a_session_that_is_gone_is_removed_from_its_repository(
    storage: tuple[LocalStorage, LocalWorkspaces], tmp_path: Path
) -> None:
    async def scenario() -> None:
        repo = tmp_path / "project"
        repo.mkdir()
        git(repo, "init", "-q", "-b", "main")
        commit(repo, "README")
        which = session(LocalSource(path=str(repo)))
        place = Path((await storage[1].prepare(which)).path)
        (place / "new").write_text("not committed")
        assert [folder.id for folder in await storage[0].found()] == [which.id]
        removed = await storage[0].remove_orphan(which.id, "gone", idle)
        assert removed is not None
        assert removed.snapshot is not None
        assert git(repo, "show", f"{removed.snapshot.name}:new") == "not committed"
        assert len(git(repo, "worktree", "list").splitlines()) == 1
        assert not place.exists()

    asyncio.run(scenario())


def test_a_folder_of_a_person_is_neither_packed_nor_removed(
    storage: tuple[LocalStorage, LocalWorkspaces], tmp_path: Path
) -> None:
    async def scenario() -> None:
        mine = tmp_path / "mine"
        mine.mkdir()
        (mine / "file").write_text("mine")
        which = session(LocalSource(path=str(mine), mode="in_place"))
        with pytest.raises(Conflict, match="folder of yours"):
            await storage[0].snapshot(which)
        removed = await storage[0].remove(which, idle)
        assert removed is not None
        assert removed.there is False
        assert (mine / "file").read_text() == "mine"
        assert await storage[0].measure(UUID(int=7)) is None
        assert await storage[0].home("ann") == "/home/me"

    asyncio.run(scenario())


def test_a_session_that_starts_meanwhile_keeps_its_workspace(storage: tuple[LocalStorage, LocalWorkspaces]) -> None:
    async def scenario() -> None:
        which = session(EmptySource())
        place = Path((await storage[1].prepare(which)).path)

        async def busy() -> bool:
            return False

        assert await storage[0].remove(which, busy) is None
        assert place.exists()

    asyncio.run(scenario())
