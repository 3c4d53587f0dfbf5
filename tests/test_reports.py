"""What brokers report is kept once, on both databases, and shown over HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.books import desk
from tests.conftest import Run, sqlite_file
from volundr.api.chronicles import ChronicleWholeOut
from volundr.api.reports import ITEMS_MOST
from volundr.broker.codec import Entry
from volundr.broker.outbox import Fold
from volundr.broker.parts import Usage
from volundr.broker.records import TurnFinished
from volundr.broker.usage import told
from volundr.db.database import Database
from volundr.domain.chronicles import Telling
from volundr.domain.errors import Invalid
from volundr.domain.sessions.model import Status
from volundr.domain.timeline import Kind, Moment
from volundr.domain.tokens import TokenUse

AT = datetime(2026, 1, 1, tzinfo=UTC)


def use(seq: int, **more: object) -> dict[str, object]:
    known = {"type": "usage", "seq": seq, "at": AT.isoformat(), "turn": seq, "model": "big", "input": 10, "output": seq}
    return known | {"cache_read": 3, "cache_write": 1, "cost_usd": 0.25} | more


def moment(seq: int, **more: object) -> dict[str, object]:
    return {"type": "timeline", "seq": seq, "at": AT.isoformat(), "kind": "command", "title": f"Bash: {seq}"} | more


def story(seq: int, **more: object) -> dict[str, object]:
    return {"type": "chronicle", "seq": seq, "summary": f"at {seq}", "key_changes": ["a.py"], "messages": seq} | more


def test_forty_reports_at_once_and_each_of_them_twice_add_up(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            answers = await asyncio.gather(*(site.report(session, use(seq), moment(seq)) for seq in [*range(1, 41)] * 2))
            assert {answer.status_code for answer in answers} == {204}
            (total,) = (await site.get(f"sessions/{session.id}/usage"))["models"]
            assert total == {
                "model": "big",
                "input": 400,
                "output": sum(range(1, 41)),
                "cache_read": 120,
                "cache_write": 40,
                "tokens": 1380,
                "cost_usd": 10.0,
                "uses": 40,
                "unpriced": 0,
            }
            lines = (await site.get(f"sessions/{session.id}/timeline"))["items"]
            assert [line["title"] for line in lines] == [f"Bash: {seq}" for seq in range(1, 41)]

    on_database(scenario)


def test_an_unknown_price_is_unknown_and_not_nothing(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            await site.report(session, use(1), use(2, cost_usd=None), use(2, model="new", cost_usd=None))
            usage = await site.get(f"sessions/{session.id}/usage", turns=2)
            big, new = usage["models"]
            assert (big["cost_usd"], big["uses"], big["unpriced"]) == (0.25, 2, 1)
            assert (new["cost_usd"], new["unpriced"]) == (None, 1)
            assert [(one["turn"], one["model"]) for one in usage["turns"]] == [(2, "big"), (2, "new")]

    on_database(scenario)


def test_the_same_place_of_another_epoch_is_another_record(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            await site.report(session, use(5))
            await site.report(session, use(5), epoch="e2")
            (total,) = (await site.get(f"sessions/{session.id}/usage"))["models"]
            assert total["uses"] == 2

    on_database(scenario)


def test_the_newest_chronicle_holds_also_when_an_old_report_comes_late(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            path = f"sessions/{session.id}/chronicle"
            assert (await site.http.get(f"/api/v1/{path}")).status_code == 404
            await site.report(session, story(9, unfinished_work=["two"]), story(4))
            await site.report(session, story(7))
            shown = await site.get(path)
            assert shown.keys() == ChronicleWholeOut.model_fields.keys()
            assert (shown["summary"], shown["key_changes"], shown["unfinished_work"]) == ("at 9", ["a.py"], ["two"])
            await site.report(session, story(3), epoch="e2")  # the log lost its tail: what counts is what is left of it
            assert (await site.get(path))["summary"] == "at 3"

    on_database(scenario)


def test_reports_of_a_stopped_session_are_taken_and_those_of_a_deleted_one_are_not(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session(status=Status.STOPPED)
            assert (await site.report(session, use(1), moment(1), story(1))).status_code == 204
            await site.sessions.delete(session.id)
            assert (await site.report(session, use(2), moment(2), story(2))).status_code == 404
            assert (await site.http.get(f"/api/v1/sessions/{session.id}/usage")).status_code == 404
            kept = await site.books.chronicles.get(session.id)
            assert kept is not None
            assert (kept.session_id, kept.summary) == (None, "at 1")  # the story and its lines outlive the session
            assert len((await site.books.timeline.list(session.id, (), "", 9)).items) == 1
            (total,) = (await site.books.tokens.usage(session.id)).models
            assert total.uses == 1  # what was spent stays in the books

    on_database(scenario)


def test_only_the_sessions_own_broker_may_report(tmp_path: Path, on_database: Run) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            one, other = await site.session("one"), await site.session("other")
            path, body = f"/api/v1/sessions/{one.id}/report", {"epoch": "e", "items": []}
            assert (await site.http.post(path, json=body, headers=site.pod(other))).status_code == 401
            assert (await site.http.post(path, json=body, headers=site.pod(one))).status_code == 204
            for what in ("usage", "timeline", "chronicle"):
                answer = await site.http.get(f"/api/v1/sessions/{one.id}/{what}", headers=site.pod(one))
                assert answer.status_code == 403, what

    on_database(scenario)


@pytest.mark.parametrize(
    "item",
    [
        use(0),
        use(1, output=-1),
        use(1, cost_usd=-0.1),
        use(1, at="2026-01-01T00:00:00"),
        use(2**60),
        use(1, model="x" * 201),
        use(1, surprise=1),
        moment(1, kind="gossip"),
        moment(1, title="x" * 501),
        story(1, key_changes=["x"] * 501),
        {"type": "news"},
        7,
    ],
)
def test_what_makes_no_sense_is_refused_as_a_whole(tmp_path: Path, item: object) -> None:
    async def main() -> None:
        async with sqlite_file(tmp_path) as db, desk(db, tmp_path) as site:
            session = await site.session()
            answer = await site.report(session, use(9), item)  # type: ignore[arg-type]
            assert answer.status_code == 422, answer.text
            assert (await site.get(f"sessions/{session.id}/usage"))["models"] == []

    asyncio.run(main())


def test_a_report_has_an_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with sqlite_file(tmp_path) as db, desk(db, tmp_path) as site:
            session = await site.session()
            assert (await site.report(session, *[moment(1)] * (ITEMS_MOST + 1))).status_code == 422
            assert (await site.report(session, *[moment(1)] * ITEMS_MOST)).status_code == 204

    asyncio.run(main())


def test_texts_with_nul_are_kept_without_it(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            answer = await site.report(
                session, moment(1, title="a\0b"), story(1, key_changes=["a\0"], summary="\0x"), use(1, model="m\0")
            )
            assert answer.status_code == 204, answer.text
            assert (await site.get(f"sessions/{session.id}/timeline"))["items"][0]["title"] == "ab"

    on_database(scenario)


def test_a_timeline_comes_in_pages_without_gaps_or_repeats(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            kinds = ["message", "file", "commit"]
            await site.books.chronicles.tell(session, None)
            given = [
                Moment(epoch="e", seq=seq, at=AT + timedelta(seconds=seq // 4), kind=Kind(kinds[seq % 3]), title=str(seq))
                for seq in range(1, 31)
            ]
            assert await site.books.timeline.add(session.id, given[::-1]) == 30
            assert await site.books.timeline.add(session.id, given) == 0
            seen, cursor = list[int](), ""
            while True:
                page = await site.get(f"sessions/{session.id}/timeline", limit=7, cursor=cursor)
                seen += [int(one["title"]) for one in page["items"]]
                if page["next"] is None:
                    break
                cursor = page["next"]
            assert seen == list(range(1, 31))
            files = await site.get(f"sessions/{session.id}/timeline", kind=["file", "commit"], limit=500)
            assert {one["kind"] for one in files["items"]} == {"file", "commit"}
            assert len(files["items"]) == 20
            with pytest.raises(Invalid, match="cursor"):
                await site.books.timeline.list(session.id, (), "nonsense", 5)

    on_database(scenario)


def test_stores_give_back_what_they_were_given(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            given = TokenUse(epoch="e", seq=1, turn=1, model="m", input=2**40, cost_usd=1e-9, at=AT)
            (kept_use, _) = await site.books.tokens.record(session, [given, given])
            assert (await site.books.tokens.usage(session.id)).turns == [kept_use]
            told = Telling(epoch="e", seq=2, key_changes=["ä"], unfinished_work=[])
            kept = await site.books.chronicles.tell(session, told)
            assert await site.books.chronicles.get(session.id) == kept
            assert (kept.key_changes, kept.unfinished_work, kept.seq, kept.status) == (["ä"], [], 2, "draft")

    on_database(scenario)


def test_what_the_outbox_says_is_what_the_forge_takes(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session, fold = await site.session(), Fold()
            usage = (Usage(model="m", input=1, output=2, cost_usd=0.1), Usage(model="m", output=3), Usage(model="n", output=5))
            entry = Entry(7, "2026-01-01T00:00:00.000Z", 0, TurnFinished(turn=1, status="failed", error="no", usage=usage))
            items = [*fold.take(entry), {**fold.chronicle.told(), "seq": 7}]
            assert [item["type"] for item in items] == ["usage", "usage", "timeline", "chronicle"]
            assert len(told(entry)) == 2
            assert (await site.report(session, *items)).status_code == 204
            shown = (await site.get(f"sessions/{session.id}/usage"))["models"]
            assert [(one["model"], one["output"], one["cost_usd"]) for one in shown] == [("m", 5, None), ("n", 5, None)]
            assert (await site.get(f"sessions/{session.id}/chronicle"))["unfinished_work"] == ["The last turn failed: no"]

    on_database(scenario)


def test_what_is_asked_often_uses_an_index(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            if site.db.kind != "sqlite":
                return
            for query, index in (
                ("SELECT * FROM timeline WHERE session_id = 'a' AND (at, seq, epoch) > ('b', 1, 'c')", "timeline_at"),
                ("SELECT SUM(input) FROM token_uses WHERE session_id = 'a' GROUP BY model", "token_uses"),
                ("SELECT id FROM open_questions WHERE session_id = 'a'", "open_questions"),
            ):  # fmt: skip
                plan = " ".join(row["detail"] for row in await db.fetch(f"EXPLAIN QUERY PLAN {query} LIMIT 50"))
                assert "SEARCH" in plan and index in plan, plan

    on_database(scenario)
