"""Chronicles: one a session, told by it, edited by people, found by words, gone on with, and kept when the session is gone."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx

from tests.books import Desk, desk
from tests.conftest import Run
from tests.library import PEOPLE, ByName
from tests.stories import HERE, named, stored
from tests.test_reports import AT, moment, story, use
from volundr.api.http import build_api
from volundr.api.security import local_site
from volundr.db.database import Database
from volundr.db.migrate import migrate
from volundr.domain.chronicles import Chronicle, ChronicleFilter, ChronicleService, words_in
from volundr.domain.drafts import DraftKeeper, Told
from volundr.domain.drafts import story as told_story
from volundr.domain.events import EventType, SessionEvent
from volundr.domain.reforge import ReforgeService, first_words, successor
from volundr.domain.roles import RoleAuthorization
from volundr.domain.sessions.model import Activity, GitSource, Options, Session, Status
from volundr.domain.sessions.service import SessionService
from volundr.domain.timeline import FileChange, Kind, Moment, TimelineService, TouchedFile, inside, made, touched
from volundr.domain.tokens import TokenService
from volundr.local.broadcaster import LocalBroadcaster
from volundr.store.chronicles import ChronicleStore
from volundr.store.events import EventStore
from volundr.store.opening import MIGRATIONS
from volundr.store.sessions import SessionStore
from volundr.store.timeline import TimelineStore


async def kept(site: Desk, session: Session) -> Chronicle:
    found = await site.books.chronicles.get(session.id)
    assert found is not None
    return found


def test_forty_first_reports_at_once_begin_one_chronicle(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            answers = await asyncio.gather(*(site.report(session, moment(seq), story(seq)) for seq in range(1, 41)))
            assert {answer.status_code for answer in answers} == {204}
            listed = (await site.get("chronicles"))["items"]
            assert [(one["session_id"], one["status"], one["summary"]) for one in listed] == [(str(session.id), "draft", "at 40")]
            whole = await site.get(f"chronicles/{listed[0]['id']}/timeline")
            assert len(whole["events"]) == 40

    on_database(scenario)


def test_what_a_person_wrote_stays_until_they_give_it_back(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            await site.report(session, story(1))
            path = f"/api/v1/chronicles/{(await kept(site, session)).id}"
            seen = await site.http.get(path)
            change = {"summary": "Mine", "tags": ["a", "b", "a"]}
            changed = await site.http.patch(path, json=change, headers={"if-match": seen.headers["etag"]})
            assert (changed.status_code, changed.json()["tags"]) == (200, ["a", "b"])
            again = await site.http.patch(path, json={"tags": []}, headers={"if-match": seen.headers["etag"]})
            assert again.status_code == 412
            await site.report(session, story(2))
            now = (await site.http.get(path)).json()
            assert (now["summary"], now["messages"], now["tags"]) == ("Mine", 2, ["a", "b"])
            assert (await site.http.patch(path, json={"summary": None})).json()["summary"] == "Mine"
            await site.report(session, story(3))
            assert (await site.http.get(path)).json()["summary"] == "at 3"
            for wrong in ({"summary": 7}, {"status": "lost"}, {"tags": [""]}, {"surprise": 1}, {"tags": ["x"] * 51}):
                assert (await site.http.patch(path, json=wrong)).status_code == 422, wrong

    on_database(scenario)


def test_edits_at_once_both_hold(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            await site.report(session, story(1))
            path = f"/api/v1/chronicles/{(await kept(site, session)).id}"
            await asyncio.gather(
                site.http.patch(path, json={"summary": "person"}),
                *(site.report(session, story(seq, summary=f"told {seq}")) for seq in range(2, 12)),
                site.http.patch(path, json={"unfinished_work": ["look again"]}),
            )
            now = (await site.http.get(path)).json()
            assert (now["summary"], now["unfinished_work"], now["messages"]) == ("person", ["look again"], 11)
            assert now["revision"] <= 13
            assert await named(db, ChronicleFilter(whose=HERE, q="person look agai")) == ["one"]

    on_database(scenario)


def keeper(site: Desk) -> DraftKeeper:
    store = ChronicleStore(site.db)
    told = Told(TimelineStore(site.db), EventStore(site.db))
    return DraftKeeper(site.sessions, LocalBroadcaster(), store, store, told)


async def ended(site: Desk, session: Session, status: Status = Status.STOPPED, **changes: object) -> Session:
    target = status if status is Status.FAILED else Status.STOPPING
    moved = await site.sessions.move(session.id, target, changes)
    if target is Status.STOPPING:
        moved = await site.sessions.move(session.id, Status.STOPPED, {})
    assert moved is not None
    return moved


def test_a_chronicle_is_complete_when_its_session_stops_and_a_draft_when_it_goes_on(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            await site.report(session, story(1))
            assert await keeper(site).sweep() == 0
            stopped = await ended(site, session)
            await asyncio.gather(keeper(site).look(stopped), keeper(site).look(stopped), keeper(site).sweep())
            done = await kept(site, session)
            assert (done.status, done.summary, done.revision) == ("complete", "at 1", 2)
            assert done.completed_at is not None
            await site.report(session, story(2))  # the last report was late
            assert ((await kept(site, session)).status, (await kept(site, session)).summary) == ("complete", "at 2")
            await site.sessions.move(session.id, Status.STARTING, {})
            await site.report(session, story(3))
            again = await kept(site, session)
            assert (again.status, again.completed_at) == ("draft", None)

    on_database(scenario)


def test_a_pod_that_died_without_a_word_is_told_from_what_is_stored(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            touch = [{"path": "/w/src/a.py", "action": "created", "insertions": 3}]
            await site.report(
                session,
                moment(1, kind="message", title="Mend the login", detail="ann"),
                moment(2, kind="file", title="Write a.py", files=touch),
                moment(3, kind="commit", title="1a2b3c4 Mend it", commit_hash="1a2b3c4"),
                moment(4, kind="message", title="Half of it is done.", detail="agent"),
            )
            failed = await ended(site, session, Status.FAILED, error="The pod was killed.")
            await keeper(site).look(failed)
            done = await kept(site, session)
            assert (done.status, done.summary) == ("complete", "Mend the login\n\nHalf of it is done.")
            assert done.key_changes == ["Commit 1a2b3c4 Mend it", "/w/src/a.py"]
            assert done.unfinished_work == ["The session failed: The pod was killed."]
            await site.report(session, story(4))  # its log was found again
            assert (await kept(site, session)).summary == "at 4"

    on_database(scenario)


def test_events_tell_the_story_where_there_is_no_timeline(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            known = {"session_id": session.id, "tenant_id": "default", "owner_id": "local", "epoch": "e", "at": AT}
            said = [
                (EventType.MESSAGE_USER, {"content": "Add a page"}),
                (EventType.FILE_CREATED, {"path": "page.html"}),
                (EventType.GIT_COMMIT, {"hash": "feed1234", "message": "A page"}),
                (EventType.MESSAGE_ASSISTANT, {"content": "There it is."}),
            ]
            await EventStore(db).add(
                [
                    SessionEvent(id=uuid4(), sequence=number, type=kind, data=data, **known)  # type: ignore[arg-type]
                    for number, (kind, data) in enumerate(said, start=1)
                ]
            )
            await site.sessions.report(session.id, Activity(state="working", messages=2))
            await keeper(site).look(await ended(site, session))
            done = await kept(site, session)
            assert (done.status, done.summary) == ("complete", "Add a page\n\nThere it is.")
            assert done.key_changes == ["Commit feed1234 A page", "page.html"]
            assert done.epoch == "e"

    on_database(scenario)


def test_a_session_that_did_nothing_leaves_no_chronicle(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            await keeper(site).look(await ended(site, session))
            assert await site.books.chronicles.get(session.id) is None

    on_database(scenario)


def test_a_chronicle_outlives_its_session_with_timeline_and_cost(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            later = (AT + timedelta(minutes=11)).isoformat()
            changes = [
                moment(1, kind="file", title="Write a", files=[{"path": "a", "action": "created", "insertions": 5}]),
                moment(
                    2, kind="file", title="Edit", files=[{"path": "a", "action": "modified", "insertions": 1, "deletions": 2}]
                ),
                moment(3, kind="file", title="Delete", files=[{"path": "b", "action": "deleted"}]),
                moment(4, kind="commit", title="abc1234 First", commit_hash="abc1234"),
            ]
            await site.report(session, *changes, use(5), use(6, at=later, cost_usd=None), story(7))
            path = f"chronicles/{(await kept(site, session)).id}"
            await site.sessions.delete(session.id)
            assert await keeper(site).sweep() == 1
            whole = await site.get(path)
            assert (whole["session_id"], whole["status"]) == (None, "complete")
            assert whole["spent"] | {"x": 0} == {
                "input": 20,
                "output": 11,
                "cache_read": 6,
                "cache_write": 2,
                "tokens": 39,
                "cost_usd": 0.25,
                "uses": 2,
                "unpriced": 1,
                "x": 0,
            }
            assert [one["model"] for one in whole["models"]] == ["big"]
            shown = await site.get(f"{path}/timeline", seconds=600, limit=2)
            assert [(one["path"], one["status"], one["insertions"], one["deletions"]) for one in shown["files"]] == [
                ("a", "created", 6, 2),
                ("b", "deleted", 0, 0),
            ]
            assert [(one["hash"], one["message"]) for one in shown["commits"]] == [("abc1234", "First")]
            assert [(one["start"], one["spent"]["input"]) for one in shown["token_burn"]] == [
                ("2026-01-01T00:00:00Z", 10),
                ("2026-01-01T00:10:00Z", 10),
            ]
            assert (len(shown["events"]), shown["truncated"]) == (2, False)
            rest = await site.get(f"{path}/timeline", cursor=shown["next"])
            assert len(rest["events"]) == 2
            for _ in range(2):
                assert (await site.http.delete(f"/api/v1/{path}")).status_code == 204
            assert await db.fetch("SELECT seq FROM timeline") == []
            assert (await site.http.get(f"/api/v1/{path}")).status_code == 404

    on_database(scenario)


def test_a_chronicle_can_be_begun_by_hand_and_is_the_same_again(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            first = await site.http.post("/api/v1/chronicles", json={"session_id": str(session.id)})
            again = await site.http.post("/api/v1/chronicles", json={"session_id": str(session.id)})
            assert (first.status_code, again.status_code) == (201, 200)
            assert first.json() == again.json()
            assert (await site.http.post("/api/v1/chronicles", json={"session_id": str(uuid4())})).status_code == 404

    on_database(scenario)


def test_a_chain_is_walked_both_ways_and_stays_in_its_tenant(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        await migrate(db, MIGRATIONS)
        store = ChronicleStore(db)
        first = await stored(db, "first")
        second = await stored(db, "second", options=Options(parent_chronicle=str(first.id)))
        third = await stored(db, "third", options=Options(parent_chronicle=str(second.id)))
        side = await stored(db, "side", options=Options(parent_chronicle=str(first.id)))
        foreign = await stored(db, "foreign", tenant="elsewhere", options=Options(parent_chronicle=str(first.id)))
        await stored(db, "lost", options=Options(parent_chronicle="nonsense"))
        assert (second.parent_id, side.parent_id, foreign.parent_id) == (first.id, first.id, None)

        async def chain(one: Chronicle) -> list[str]:
            return [link.name for link in await store.chain(one)]

        assert await chain(third) == ["first", "second", "third"]
        assert await chain(second) == ["first", "second", "third"]
        assert await chain(first) == ["first", "second", "third", "side"]
        assert await chain(side) == ["first", "side"]
        await store.delete(second.id)
        assert await chain(first) == ["first", "side"]
        assert await chain(third) == ["third"]
        long = first
        for number in range(230):
            long = await stored(db, f"n{number}", options=Options(parent_chronicle=str(long.id)))
        assert len(await store.chain(long)) == 200

    on_database(scenario)


def test_people_see_their_own_and_nobody_sees_another_tenants(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            known = site.api.state.services
            names = (ChronicleService, TimelineService, TokenService, SessionService, ReforgeService)
            api = build_api({one: known[one] for one in names}, local_site(8123), ByName(), RoleAuthorization(), 1 << 20)
            mine = await stored(db, "mine", tenant="harbor", owner_id="ada")
            his = await stored(db, "his", tenant="harbor", owner_id="bob", options=Options(parent_chronicle=str(mine.id)))
            transport = httpx.ASGITransport(api)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8123/api/v1") as http:

                async def ask(who: str, method: str, path: str, body: object = None) -> httpx.Response:
                    assert who in PEOPLE
                    return await http.request(method, path, json=body, headers={"authorization": f"Bearer {who}"})

                path = f"/chronicles/{mine.id}"
                for who, status in (("ada", 200), ("bob", 404), ("vera", 404), ("root", 200), ("eve", 404)):
                    for what in ("", "/chain", "/timeline"):
                        assert (await ask(who, "GET", path + what)).status_code == status, (who, what)
                for who, status in (("bob", 404), ("vera", 403), ("eve", 404)):
                    assert (await ask(who, "PATCH", path, {"tags": []})).status_code == status
                    assert (await ask(who, "DELETE", path)).status_code == status
                    assert (await ask(who, "POST", f"{path}/reforge", {})).status_code == status
                assert [one["name"] for one in (await ask("ada", "GET", f"{path}/chain")).json()["items"]] == ["mine"]
                assert [one["name"] for one in (await ask("root", "GET", f"{path}/chain")).json()["items"]] == ["mine", "his"]
                assert [one["name"] for one in (await ask("bob", "GET", "/chronicles")).json()["items"]] == ["his"]
                assert len((await ask("root", "GET", "/chronicles?owner=all")).json()["items"]) == 2
                assert (await ask("ada", "GET", "/chronicles?owner=all")).status_code == 403
                assert (await ask("eve", "GET", "/chronicles?owner=all")).json()["items"] == []
                begin = {"session_id": str(his.session_id)}
                assert (await ask("ada", "POST", "/chronicles", begin)).status_code == 404

    on_database(scenario)


def test_old_books_are_taken_over(on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        before = {**MIGRATIONS, "chronicles": MIGRATIONS["chronicles"][:1], "timeline": MIGRATIONS["timeline"][:2]}
        await migrate(db, before)
        sessions = [Session(name=f"s-{number}", agent="demo", workspace="/w" * number) for number in range(3)]
        sessions.append(Session(name="git", agent="demo", source=GitSource(url="https://h/x"), workspace="/g"))
        for session in sessions:
            await SessionStore(db).add(session)
        told = {"epoch": "e", "seq": 4, "said": "Mend (the) login", "now": datetime.now(UTC)}
        await db.run(
            "INSERT INTO chronicles (session_id, epoch, seq, summary, key_changes, unfinished_work, messages, duration_seconds, "
            "updated_at) VALUES (:id, :epoch, :seq, :said, '[\"a\"]', '[]', 2, 1.5, :now)",
            id=sessions[1].id,
            **told,
        )
        await db.run(
            "INSERT INTO timeline (session_id, epoch, seq, at, kind, title, detail) VALUES (:id, 'e', 1, :now, 'file', 'x', '')",
            id=sessions[2].id,
            now=told["now"],
        )
        await migrate(db, MIGRATIONS)
        store = ChronicleStore(db)
        assert await store.get(sessions[0].id) is None
        one, two, git = [await store.get(session.id) for session in sessions[1:]]
        assert one is not None
        assert two is not None
        assert git is not None
        assert (one.summary, one.key_changes, one.seq, one.session_id) == ("Mend (the) login", ["a"], 4, sessions[1].id)
        assert (two.summary, git.repo) == ("", "https://h/x")
        assert [line.title for line in (await TimelineStore(db).list(two.origin, (), "", 5)).items] == ["x"]
        assert await named(db, ChronicleFilter(whose=HERE, q="mend the log")) == ["s-1"]

    on_database(scenario)


def test_texts_of_people_become_names_and_words() -> None:
    assert [successor(name, 2) for name in ("fix-login", "fix-7", "Über Ich!", "x" * 63, "---")] == [
        *("fix-login-2", "fix-2", "ber-ich-2", "x" * 61 + "-2", "session-2"),
    ]
    assert words_in("Fix_the LOGIN, src/a.py größe") == ["fix", "the", "login", "src", "a", "py", "grösse"]
    assert inside("/w/a/b.py", "/w/a") == "b.py"
    assert inside("/w/ab/c", "/w/a") == "/w/ab/c"


def test_changes_add_up_by_file() -> None:
    def change(seq: int, *files: FileChange) -> Moment:
        return Moment(epoch="e", seq=seq, at=AT, kind=Kind.FILE, title="x", files=files)

    a, b = FileChange(path="a", action="created", insertions=2), FileChange(path="b", action="modified", deletions=1)
    gone = FileChange(path="a", action="deleted", deletions=2)
    assert [(one.path, one.status, one.changes) for one in touched([change(1, a, b), change(2, a)])] == [
        ("a", "created", 2),
        ("b", "modified", 1),
    ]
    assert touched([change(1, a), change(2, gone)]) == [
        TouchedFile(path="a", status="deleted", insertions=2, deletions=2, changes=2)
    ]
    line = Moment(epoch="e", seq=1, at=AT, kind=Kind.COMMIT, title="abc Subject here", commit_hash="abc123")
    assert [one.message for one in made([line])] == ["Subject here"]


def test_a_session_cut_off_before_the_answer_says_so() -> None:
    asked = Moment(epoch="e", seq=3, at=AT, kind=Kind.MESSAGE, title="Do it", detail="ann")
    told = told_story([asked], "")
    assert (told.summary, told.unfinished_work) == ("Do it", ("The session ended before the agent had answered.",))
    chronicle = Chronicle(origin=uuid4(), session_id=None, tenant_id="t", owner_id="o", name="n", agent="demo")
    assert first_words(chronicle, [], "") == "You go on with the work of an earlier session. This is what is known of it."
