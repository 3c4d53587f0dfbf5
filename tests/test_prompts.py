"""Saved prompts: found by their words, tags and project, by those who may see them."""

from uuid import UUID

import pytest

from tests.conftest import Run
from tests.library import Library, library
from volundr.db.database import Database
from volundr.domain.prompts import PromptService, of_prompt
from volundr.store.prompts import SavedPromptStore


def test_a_prompt_is_kept_changed_and_deleted(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        async with library(db) as site:
            made = await site.made("ada", "prompts", name="Review", content="Look\x00 at it.", tags=["a", "b", "a"])
            assert (made["content"], made["tags"], made["revision"]) == ("Look at it.", ["a", "b"], 1)
            path = f"prompts/{made['id']}"
            changed = await site.ask("ada", "PATCH", path, {"tags": ["c"], "project": "web"}, if_match='"1"')
            assert (changed.json()["tags"], changed.json()["name"], changed.headers["etag"]) == (["c"], "Review", '"2"')
            assert (await site.ask("ada", "PATCH", path, {"tags": None})).json()["tags"] == []
            assert (await site.ask("ada", "PATCH", path, {"content": ""})).status_code == 422
            assert (await site.ask("ada", "PATCH", path, {"name": "x"}, if_match='"1"')).status_code == 412
            assert (await site.ask("ada", "POST", "prompts", {"name": "Review", "content": "x"})).status_code == 201
            assert (await site.ask("ada", "POST", "prompts", {"name": "Review", "content": "x"})).status_code == 409
            assert (await site.ask("bob", "POST", "prompts", {"name": "Review", "content": "x"})).status_code == 201
            for _ in range(2):
                assert (await site.ask("ada", "DELETE", path)).status_code == 204
            assert (await site.ask("ada", "GET", path)).status_code == 404

    on_database(scenario)


async def fill(site: Library) -> None:
    await site.made("ada", "prompts", name="Review", content="What could break?", tags=["review", "daily"])
    await site.made("ada", "prompts", name="Tests", content="Write 100% of the tests.", project="web", tags=["daily"])
    await site.made("ada", "prompts", name="Shared", content="For a_b everybody.", shared=True, project="web")
    await site.made("bob", "prompts", name="Bob's", content="His own review.")
    await site.made("bob", "prompts", name="Given", content="What could break?", shared=True, tags=["daily"])
    await site.made("eve", "prompts", name="Foreign", content="What could break?", shared=True)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("prompts", ["Given", "Review", "Shared", "Tests"]),
        ("prompts?scope=mine", ["Review", "Shared", "Tests"]),
        ("prompts?scope=tenant", ["Given"]),
        ("prompts?scope=project&project=web", ["Shared", "Tests"]),
        ("prompts?scope=project", ["Given", "Review"]),
        ("prompts?scope=mine&project=", ["Review"]),
        ("prompts?tag=daily", ["Given", "Review", "Tests"]),
        ("prompts?tag=daily&tag=review", ["Review"]),
        ("prompts/search?q=BREAK what", ["Given", "Review"]),
        ("prompts/search?q=daily break&scope=mine", ["Review"]),
        ("prompts/search?q=%25", ["Tests"]),
        ("prompts/search?q=a_b", ["Shared"]),
        ("prompts/search?q=a%25b", []),
        ("prompts/search?q=", ["Given", "Review", "Shared", "Tests"]),
        ("prompts/search?q=break&sort=-name&limit=1", ["Review"]),
    ],
)
def test_prompts_are_found(on_database: Run, path: str, names: list[str]) -> None:
    async def scenario(db: Database) -> None:
        async with library(db) as site:
            await fill(site)
            assert await site.names("ada", path) == names

    on_database(scenario)


def test_pages_go_on_where_the_last_one_ended(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        async with library(db) as site:
            await fill(site)
            seen, cursor = [], ""
            while cursor is not None:
                page = (await site.ask("ada", "GET", f"prompts/search?limit=1&sort=-updated_at&cursor={cursor}")).json()
                seen += [item["name"] for item in page["items"]]
                cursor = page["next"]
            assert seen == ["Given", "Shared", "Tests", "Review"]
            assert await site.names("root", "prompts?scope=everybody&limit=200") == [
                "Bob's",
                "Given",
                "Review",
                "Shared",
                "Tests",
            ]
            for wrong in ("scope=all", "sort=content", "cursor=x", "tag=", "limit=0"):
                assert (await site.ask("ada", "GET", f"prompts/search?{wrong}")).status_code == 422, wrong

    on_database(scenario)


def test_a_shared_prompt_is_changed_by_its_owner_alone(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        async with library(db) as site:
            made = await site.made("bob", "prompts", name="Given", content="x", shared=True)
            path = f"prompts/{made['id']}"
            assert (await site.ask("ada", "GET", path)).status_code == 200
            assert (await site.ask("ada", "PATCH", path, {"name": "y"})).status_code == 403
            assert (await site.ask("eve", "GET", path)).status_code == 404
            assert (await site.ask("root", "PATCH", path, {"shared": False})).status_code == 200
            assert (await site.ask("ada", "GET", path)).status_code == 404
            found = await PromptService(SavedPromptStore(db)).get(UUID(str(made["id"])))
            assert of_prompt(found).owner_id == "bob"

    on_database(scenario)
