"""Connections of people: kept, tried, and used by their sessions; and the tracker behind one."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from uuid import uuid4

import pytest

from tests import hosts
from tests.conftest import Run
from volundr.db.database import Database
from volundr.db.migrate import migrate
from volundr.domain.errors import Changed, Conflict, Forbidden, Invalid, NotFound
from volundr.domain.identity import Principal, Whose, own
from volundr.domain.integrations import IntegrationConnection, IntegrationRegistry, UserIntegrationService
from volundr.domain.paging import PageRequest
from volundr.domain.sessions.contributors.integrations import IntegrationContributor
from volundr.domain.sessions.model import Options, Session
from volundr.domain.tracker import ProjectMapping, TrackerService
from volundr.local.ai_providers import DEFINITIONS, KeyIntegration
from volundr.store.integrations import IntegrationStore
from volundr.store.opening import MIGRATIONS
from volundr.store.tracker import ProjectMappingStore

ADA = Principal(user_id="ada", tenant_id="harbor")
BOB = Principal(user_id="bob", tenant_id="harbor")
SECRETS = {"good": {"api_key": "open sesame"}, "bad": {"api_key": "wrong"}, "empty": {"token": "x"}}


async def secret_of(connection: IntegrationConnection) -> Mapping[str, str]:
    if connection.credential not in SECRETS:
        raise NotFound(f"You have no credential named {connection.credential!r}.")
    return SECRETS[connection.credential]


async def people(db: Database) -> UserIntegrationService:
    await migrate(db, MIGRATIONS)
    kinds = [hosts.TableIntegration(), *map(KeyIntegration, DEFINITIONS)]
    return UserIntegrationService(IntegrationRegistry(kinds), IntegrationStore(db), secret_of)


def table(**more: object) -> IntegrationConnection:
    made = IntegrationConnection(owner_id="ada", tenant_id="harbor", slug="table", name="mine", credential="good")
    return replace(made, **more)  # type: ignore[arg-type]


def test_a_connection_is_kept_changed_and_forgotten(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        service = await people(db)
        made = await service.add(table(config={"project": "WEB"}))
        assert made.config == {"project": "WEB", "base": "https://t.example"}
        assert await service.get(made.id) == made
        with pytest.raises(Conflict, match="mine"):
            await service.add(table())
        changed = await service.change(made, {"name": "ours", "enabled": False}, 1)
        assert (changed.name, changed.enabled, changed.revision) == ("ours", False, 2)
        with pytest.raises(Changed):
            await service.change(changed, {"name": "theirs"}, 1)
        assert (await service.list(own(ADA), "", PageRequest())).items == [changed]
        assert not (await service.list(own(BOB), "", PageRequest())).items
        assert (await service.list(Whose(tenant_id="harbor"), "table", PageRequest())).items == [changed]
        assert not (await service.list(Whose(tenant_id="sea"), "", PageRequest())).items
        await service.delete(made.id)
        with pytest.raises(NotFound):
            await service.get(made.id)

    on_database(scenario)


@pytest.mark.parametrize(
    ("wrong", "cause"),
    [
        ({"slug": "nothing"}, "no integration called"),
        ({"config": {"colour": "red"}}, "no setting 'colour'"),
        ({"config": {"base": "file:///etc/passwd"}}, "http or https"),
        ({"credential": "absent"}, "no credential"),
    ],
)
def test_what_cannot_work_is_refused_at_once(on_database: Run, wrong: dict[str, object], cause: str) -> None:
    async def scenario(db: Database) -> None:
        service = await people(db)
        with pytest.raises((Invalid, NotFound), match=cause):
            await service.add(table(**wrong))

    on_database(scenario)


def test_trying_a_connection_says_whether_the_other_side_was_asked(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        service = await people(db)
        tried = await service.test(table())
        assert (tried.ok, tried.asked, tried.account) == (True, True, "ada")
        tried = await service.test(table(credential="bad"))
        assert (tried.ok, tried.asked) == (False, True)
        tried = await service.test(table(slug="anthropic"))
        assert (tried.ok, tried.asked) == (True, False)
        assert "api_key" in (await service.test(table(slug="anthropic", credential="empty"))).problem

    on_database(scenario)


def test_a_session_gets_the_variables_of_its_persons_connections(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        service = await people(db)
        contributor = IntegrationContributor(service)
        mine = await service.add(table())
        other = await service.add(table(owner_id="bob", credential="bad"))

        def session(*chosen: str) -> Session:
            return Session(name="s", agent="demo", owner_id="ada", tenant_id="harbor", options=Options(integrations=chosen))

        assert (await contributor.contribute(session(str(mine.id)))).env == {"TABLE_KEY": "open sesame"}
        assert (await contributor.contribute(session())).env == {}
        with pytest.raises(Forbidden):
            await contributor.contribute(session(str(other.id)))
        with pytest.raises(NotFound):
            await contributor.contribute(session(str(uuid4())))
        with pytest.raises(Invalid):
            await contributor.contribute(session("not-an-id"))
        second = await service.add(table(name="second", credential="bad"))
        with pytest.raises(Conflict, match="TABLE_KEY"):
            await contributor.contribute(session(str(mine.id), str(second.id)))
        await service.change(mine, {"enabled": False}, None)
        with pytest.raises(Conflict, match="switched off"):
            await contributor.contribute(session(str(mine.id)))

    on_database(scenario)


# Trackers


def test_issues_come_from_the_tracker_a_repository_is_mapped_to(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        service = await people(db)
        tracker = TrackerService(service, ProjectMappingStore(db))
        with pytest.raises(Conflict, match="No issue tracker"):
            await tracker.search(ADA, "", {}, PageRequest())
        await service.add(table())
        assert [state.account for state in await tracker.states(ADA)] == ["ada"]
        assert await tracker.states(BOB) == []
        await tracker.map(ProjectMapping(tenant_id="harbor", repo="r", provider="table", project="OPS", created_by="ada"))
        found = await tracker.search(ADA, "", {"repo": "r"}, PageRequest())
        assert [issue.key for issue in found.items] == ["OPS-1"]
        assert len((await tracker.search(ADA, "", {}, PageRequest())).items) == 3
        with pytest.raises(Invalid, match="Which tracker"):
            await tracker.search(ADA, "", {"provider": "jira"}, PageRequest())
        assert (await tracker.set_status(ADA, "OPS-1", "Done", "")).status == "Done"
        with pytest.raises(NotFound):
            await tracker.get(ADA, "OPS-9", "table")

    on_database(scenario)


def test_a_repository_has_one_mapping_for_each_tracker_of_a_tenant(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        tracker = TrackerService(await people(db), ProjectMappingStore(db))

        def mapping(tenant: str = "harbor", provider: str = "p", project: str = "A") -> ProjectMapping:
            return ProjectMapping(tenant_id=tenant, repo="r", provider=provider, project=project, created_by="x")

        made = await asyncio.gather(*(tracker.map(mapping(project=str(n))) for n in range(5)), return_exceptions=True)
        assert sorted(type(one).__name__ for one in made) == ["Conflict"] * 4 + ["ProjectMapping"]
        await tracker.map(mapping(provider="q"))
        await tracker.map(mapping(tenant="sea"))
        items = (await tracker.mappings.list("harbor", "", PageRequest())).items
        assert [one.provider for one in items] == ["p", "q"]
        changed = await tracker.change(items[0].id, "B", 1)
        assert (changed.project, changed.revision) == ("B", 2)
        with pytest.raises(Changed):
            await tracker.change(items[0].id, "C", 1)
        await tracker.mappings.delete(items[0].id)
        with pytest.raises(NotFound):
            await tracker.change(items[0].id, "C", None)

    on_database(scenario)
