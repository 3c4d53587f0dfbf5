"""Chronicles are found by words, tags and everything else, the same on both databases."""

from pathlib import Path

import pytest

from tests.books import desk
from tests.conftest import Run
from tests.stories import HERE, named, stored
from volundr.db.database import Database
from volundr.db.migrate import migrate
from volundr.domain.chronicles import ChronicleFilter
from volundr.domain.sessions.model import GitSource, LocalSource
from volundr.store.chronicles import ChronicleStore
from volundr.store.opening import MIGRATIONS


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("login", ["alpha", "beta"]),
        ("LOGIN page", ["alpha"]),
        ("page LOG", ["alpha"]),
        ("log page", []),  # only the last word may be a beginning
        ("src/login.py", ["beta"]),
        ("py", ["beta"]),
        ("größe", ["gamma"]),
        ("GRÖSS", ["gamma"]),
        ("snake case", ["gamma"]),
        ("case_", ["gamma"]),
        ('"login" OR nothing', []),
        ("login*", ["alpha", "beta"]),
        ("' & | ! ( ) : * \" \\ NEAR", []),
        ("%", []),
        ("-", []),
        ("  ", ["alpha", "beta", "gamma"]),
        ("x" * 500, []),
        ("1e5 12ab", ["gamma"]),
        ("日本", ["gamma"]),
    ],
)
def test_words_mean_the_same_on_both_databases(on_database: Run, q: str, found: list[str]) -> None:
    async def scenario(db: Database) -> None:
        await migrate(db, MIGRATIONS)
        await stored(db, "alpha", "Mend the login of the page.")
        await stored(db, "beta", "Look at src/login.py again")
        await stored(db, "gamma", "Die Größe von snake_case; 1e5 12abc 日本語 " + "y" * 3000)
        assert await named(db, ChronicleFilter(whose=HERE, q=q), sort="name") == found

    on_database(scenario)


def test_the_index_of_words_follows_every_change_also_after_a_vacuum(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await migrate(db, MIGRATIONS)
        store = ChronicleStore(db)
        chronicles = [await stored(db, f"n{number}", f"word{number}") for number in range(20)]
        for one in chronicles[::2]:
            await store.delete(one.id)
        await store.change(chronicles[1].id, {"summary": "other", "tags": ["blue"]}, (), None)
        if db.kind == "sqlite":
            await db.run("VACUUM")
        assert await named(db, ChronicleFilter(whose=HERE, q="word1")) == ["n19", "n17", "n15", "n13", "n11"]
        assert await named(db, ChronicleFilter(whose=HERE, q="other blu")) == ["n1"]
        if db.kind == "sqlite":
            await db.run("INSERT INTO chronicle_words (chronicle_words, rank) VALUES ('integrity-check', 1)")

    on_database(scenario)


def test_a_list_is_narrowed_by_everything_that_is_said(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            git = GitSource(url="https://ann:secret@host.example/team/web.git", branch="main")
            one = await stored(db, "one", "a", source=git, model="m1")
            two = await stored(db, "two", "b", source=LocalSource(path="/home/ann/api"), agent="other")
            await stored(db, "foreign", "c", tenant="elsewhere")
            store = ChronicleStore(db)
            await store.change(one.id, {"tags": ["x", "y"], "status": "complete"}, (), None)
            await store.change(two.id, {"tags": ["x"]}, (), None)
            begun = one.created_at.isoformat()
            for query, names in (
                ({}, ["two", "one"]),
                ({"sort": "name"}, ["one", "two"]),
                ({"project": "web"}, ["one"]),
                ({"repo": "https://host.example/team/web"}, ["one"]),
                ({"repo": "/home/ann/api"}, ["two"]),
                ({"agent": "other"}, ["two"]),
                ({"model": "m1"}, ["one"]),
                ({"status": "complete"}, ["one"]),
                ({"tag": ["x", "y"]}, ["one"]),
                ({"tag": "x"}, ["two", "one"]),
                ({"from": begun}, ["two", "one"]),
                ({"to": begun}, []),
                ({"q": "one", "tag": "x"}, ["one"]),
            ):
                found = await site.get("chronicles", **query)
                assert [item["name"] for item in found["items"]] == names, query
            first = await site.get("chronicles", limit=1)
            assert [one["name"] for one in (await site.get("chronicles", cursor=first["next"]))["items"]] == ["one"]
            assert "secret" not in (await site.http.get("/api/v1/chronicles")).json()["items"][1]["repo"]
            for wrong in (
                {"from": "0001-01-01T00:00:00+14:00"},
                {"status": "x"},
                {"limit": 0},
                {"sort": "words"},
                {"cursor": "x"},
            ):
                assert (await site.http.get("/api/v1/chronicles", params=wrong)).status_code == 422, wrong

    on_database(scenario)


def test_lists_of_many_chronicles_use_an_index(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await migrate(db, MIGRATIONS)
        if db.kind != "sqlite":
            return
        mine = "SELECT * FROM chronicles WHERE tenant_id = 'a' AND owner_id = 'b' ORDER BY created_at DESC, id DESC LIMIT 9"
        found = "place IN (SELECT rowid FROM chronicle_words WHERE chronicle_words MATCH 'a')"
        for query, index in (
            (mine, "chronicles_owner"),
            (mine.replace("created", "updated"), "chronicles_owner_updated"),
            (mine.replace("WHERE", f"WHERE {found} AND"), "chronicles"),
            ("SELECT id FROM chronicles WHERE parent_id = 'a'", "chronicles_parent"),
            ("SELECT id FROM chronicles WHERE status = 'draft' ORDER BY updated_at", "chronicles_drafts"),
            ("SELECT seq FROM timeline WHERE session_id = 'a' AND kind = 'file' ORDER BY at, seq, epoch", "timeline_kind"),
        ):
            plan = " ".join(row["detail"] for row in await db.fetch(f"EXPLAIN QUERY PLAN {query}"))
            assert "SCAN chronicles" not in plan.replace("SCAN chronicle_words", ""), plan
            assert index in plan, plan
            assert "TEMP B-TREE" not in plan or "MATCH" in query, plan

    on_database(scenario)
