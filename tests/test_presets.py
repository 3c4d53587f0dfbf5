"""Presets: kept by their owners, shared with their tenants, one default for each agent."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.conftest import Run
from tests.forge import Site, in_forge
from tests.library import library
from volundr.db.database import Database
from volundr.domain.errors import Conflict, NotFound
from volundr.domain.paging import PageRequest
from volundr.domain.presets import Preset, PresetService, Sight

ADA: dict[str, Any] = {"tenant_id": "harbor", "owner_id": "ada"}


def test_a_preset_is_kept_changed_and_deleted(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        async with library(db) as site:
            made = await site.made("ada", "presets", name="careful", agent="demo", env={"A": "1"}, credentials=["git"])
            path = f"presets/{made['id']}"
            found = await site.ask("ada", "GET", path)
            assert found.json() == made
            assert (found.headers["etag"], made["owner_id"], made["env"]) == ('"1"', "ada", {"A": "1"})
            changed = await site.ask("ada", "PATCH", path, {"name": "bold", "env": None}, if_match='"1"')
            assert {k: changed.json()[k] for k in ("name", "env", "agent", "revision")} == {
                "name": "bold",
                "env": {},
                "agent": "demo",
                "revision": 2,
            }
            assert (await site.ask("ada", "PATCH", path, {"name": "x"}, if_match='"1"')).status_code == 412
            assert (await site.ask("ada", "POST", "presets", {"name": "bold"})).status_code == 409
            await site.made("ada", "presets", name="other")
            assert (await site.ask("ada", "PATCH", path, {"name": "other"})).status_code == 409
            assert await site.names("ada", "presets?limit=1") == ["bold"]
            assert await site.names("ada", "presets?sort=-name") == ["other", "bold"]
            assert await site.names("ada", "presets?agent=demo") == ["bold"]
            for wrong in ({"name": ""}, {"name": "x", "env": {"a b": "c"}}, {"name": "x", "colour": "red"}):
                assert (await site.ask("ada", "POST", "presets", wrong)).status_code == 422
            for _ in range(2):
                assert (await site.ask("ada", "DELETE", path)).status_code == 204
            assert (await site.ask("ada", "GET", path)).status_code == 404

    on_database(scenario)


def test_what_is_shared_is_seen_and_used_by_the_tenant_and_changed_by_its_owner(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        async with library(db) as site:
            own = await site.made("ada", "presets", name="own")
            shared = await site.made("ada", "presets", name="shared", shared=True)
            assert await site.names("ada", "presets") == ["own", "shared"]
            assert await site.names("bob", "presets") == ["shared"]
            assert await site.names("bob", "presets?scope=mine") == []
            assert await site.names("vera", "presets?scope=shared") == ["shared"]
            assert await site.names("ada", "presets?scope=shared") == []
            assert await site.names("root", "presets?scope=everybody") == ["own", "shared"]
            assert (await site.ask("bob", "GET", "presets?scope=everybody")).status_code == 403
            assert await site.names("eve", "presets?scope=everybody") == []
            for who, path, status in (
                ("bob", f"presets/{own['id']}", 404),
                ("bob", f"presets/{shared['id']}", 200),
                ("vera", f"presets/{shared['id']}", 200),
                ("root", f"presets/{own['id']}", 200),
                ("eve", f"presets/{shared['id']}", 404),
            ):
                assert (await site.ask(who, "GET", path)).status_code == status, (who, path)
            for who, preset, status in (("bob", own, 404), ("bob", shared, 403), ("vera", shared, 403), ("eve", shared, 404)):
                path = f"presets/{preset['id']}"
                assert (await site.ask(who, "PATCH", path, {"name": "mine now"})).status_code == status
                assert (await site.ask(who, "PUT", f"{path}/default")).status_code == status
            assert (await site.ask("bob", "DELETE", f"presets/{shared['id']}")).status_code == 403
            assert (await site.ask("eve", "DELETE", f"presets/{shared['id']}")).status_code == 204
            assert (await site.ask("ada", "GET", f"presets/{shared['id']}")).status_code == 200
            assert (await site.ask("vera", "POST", "presets", {"name": "x"})).status_code == 403
            assert (await site.ask("nobody", "GET", "presets")).status_code == 401
            service = PresetService(site.presets)
            assert (await service.usable(str(shared["id"]), "harbor", "bob")).name == "shared"
            nothing: dict[str, object] = {"id": "x"}
            for preset, tenant, owner in ((own, "harbor", "bob"), (shared, "elsewhere", "bob"), (nothing, "harbor", "ada")):
                with pytest.raises(NotFound):
                    await service.usable(str(preset["id"]), tenant, owner)

    on_database(scenario)


def test_there_is_one_default_for_each_agent(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        async with library(db) as site:
            one = await site.made("ada", "presets", name="one", agent="demo", is_default=True)
            assert one["is_default"] is True
            two = await site.made("ada", "presets", name="two", agent="demo")
            other = await site.made("ada", "presets", name="any", is_default=True)
            await site.made("bob", "presets", name="bobs", agent="demo", is_default=True)
            stale = await site.ask("ada", "PUT", f"presets/{two['id']}/default", if_match='"7"')
            assert stale.status_code == 412

            async def defaults() -> set[str]:
                page = await site.presets.list(Sight(tenant_id="harbor", user_id="ada", scope="mine"), "", PageRequest())
                return {preset.name for preset in page.items if preset.is_default}

            assert await defaults() == {"one", "any"}  # nothing half done
            assert (await site.ask("ada", "PUT", f"presets/{two['id']}/default")).json()["is_default"] is True
            assert await defaults() == {"two", "any"}

            async def default(agent: str) -> str:
                found = await site.presets.default("harbor", "ada", agent)
                return found.name if found else ""

            assert [await default(agent) for agent in ("demo", "claude", "")] == ["two", "any", "any"]
            assert (await site.ask("ada", "DELETE", f"presets/{other['id']}/default")).status_code == 204
            assert [await default(agent) for agent in ("demo", "claude", "")] == ["two", "", "two"]
            await site.ask("ada", "PUT", f"presets/{other['id']}/default")
            assert (await site.ask("ada", "PATCH", f"presets/{two['id']}", {"agent": None})).status_code == 409
            assert await site.presets.set_default(Preset(name="gone", **ADA)) is None

    on_database(scenario)


def test_of_many_that_choose_a_default_at_once_one_is_it(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        async with library(db) as site:
            presets = [Preset(name=f"p{number}", agent="demo", **ADA) for number in range(4)]
            for preset in presets:
                await site.presets.add(preset)
            for _ in range(5):
                await asyncio.gather(*(site.presets.set_default(preset) for preset in presets), return_exceptions=True)
                rows = await db.fetch("SELECT name FROM presets WHERE is_default")
                assert len(rows) == 1

    on_database(scenario)


def test_what_is_not_for_update_is_refused(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        async with library(db) as site:
            preset = Preset(name="one", **ADA)
            await site.presets.add(preset)
            with pytest.raises(ValueError, match="owner_id"):
                await site.presets.update(preset.id, {"owner_id": "eve"}, None)
            with pytest.raises(Conflict):
                await site.presets.add(Preset(name="one", **ADA))
            assert await site.presets.update(uuid4(), {"name": "x"}, None) is None

    on_database(scenario)


def test_a_preset_is_applied_to_a_session_before_the_template(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        (site.home / "templates").mkdir()
        (site.home / "templates/web.yaml").write_text("model: small\nmode: plan\ninitial_prompt: from the template\n")
        body = {"name": "p", "agent": "demo", "model": "big", "template": "web", "env": {"A": "1"}, "credentials": ["git"]}
        preset = (await site.http.post("/api/v1/presets", json=body)).json()
        plain = (await site.http.post("/api/v1/sessions", json={"name": "a", "agent": "demo", "start": False})).json()
        assert (plain["model"], plain["options"]["preset"]) == ("", "")
        new = {"name": "b", "options": {"preset": preset["id"], "thinking": "high"}, "start": False}
        made = (await site.http.post("/api/v1/sessions", json=new)).json()
        assert (made["agent"], made["model"]) == ("demo", "big")
        said = (await site.http.get(f"/api/v1/sessions/{made['id']}/options")).json()
        chosen = {name: said[name] for name in ("mode", "thinking", "template", "preset", "initial_prompt")}
        assert chosen == {
            "mode": "plan",
            "thinking": "high",
            "template": "web",
            "preset": preset["id"],
            "initial_prompt": "from the template",
        }
        assert made["options"]["credentials"] == ["git"]
        missing = await site.http.post("/api/v1/sessions", json={"name": "c", "options": {"preset": "nothing"}})
        assert missing.status_code == 404
        await site.http.put(f"/api/v1/presets/{preset['id']}/default")
        usual = (await site.http.post("/api/v1/sessions", json={"name": "d", "start": False})).json()
        assert (usual["agent"], usual["options"]["preset"], usual["options"]["template"]) == ("demo", preset["id"], "web")

    in_forge(tmp_path, scenario)
