"""What a broker reports becomes events of its session: each once, whoever hears of it again."""

from datetime import UTC, datetime
from pathlib import Path

from tests.books import desk
from tests.conftest import Run
from volundr.db.database import Database
from volundr.domain.events import EventFilter, EventType
from volundr.domain.paging import PageRequest
from volundr.domain.reported import events_of
from volundr.domain.reports import Report
from volundr.domain.sessions.model import Session
from volundr.domain.timeline import FileChange, Kind, Moment
from volundr.domain.tokens import TokenUse
from volundr.store.events import EventStore

AT = datetime(2026, 5, 1, tzinfo=UTC)


def moment(seq: int, kind: Kind, title: str = "t", **more: object) -> Moment:
    return Moment(epoch="e", seq=seq, at=AT, kind=kind, title=title, **more)  # type: ignore[arg-type]


USE = TokenUse(epoch="e", seq=4, turn=1, model="claude-sonnet-4-5", input=10, output=3, cache_read=20, cache_write=5, at=AT)
MOMENTS = [
    moment(1, Kind.MESSAGE, "do it", detail="ann"),
    moment(2, Kind.FILE, files=(FileChange(path="a", action="created", insertions=2), FileChange(path="b", action="deleted"))),
    moment(3, Kind.COMMAND, "make"),
    moment(4, Kind.MESSAGE, "done", detail="agent"),
    moment(5, Kind.COMMIT, "a commit", commit_hash="abc"),
    moment(6, Kind.PERMISSION, "rm"),
    moment(7, Kind.ERROR, "broken"),
]


def test_each_line_is_its_kind_of_event_in_the_order_of_the_log() -> None:
    session = Session(name="a", agent="x", owner_id="ann", tenant_id="acme")
    events = events_of(session, [USE], MOMENTS)
    assert [event.type for event in events] == [
        EventType.MESSAGE_USER,
        EventType.FILE_CREATED,
        EventType.FILE_DELETED,
        EventType.TERMINAL_COMMAND,
        EventType.TOKEN_USAGE,
        EventType.MESSAGE_ASSISTANT,
        EventType.GIT_COMMIT,
        EventType.PERMISSION,
        EventType.ERROR,
    ]
    assert len({event.id for event in events}) == len(events)
    assert {(event.owner_id, event.tenant_id) for event in events} == {("ann", "acme")}
    tokens = events[4]
    assert (tokens.tokens_in, tokens.tokens_out, tokens.data["cache_read"], tokens.model) == (35, 3, 20, "claude-sonnet-4-5")
    assert events[6].data == {"message": "a commit", "hash": "abc"}
    assert list(events_of(session, [USE], MOMENTS)) == list(events)


def test_a_report_that_comes_again_makes_no_second_event(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session = await site.session()
            for _ in range(3):
                await site.reports.take(session.id, Report(uses=[USE], moments=MOMENTS))
            events = EventStore(db)
            assert sum((await events.counts(session.id)).values()) == 9
            found = (await events.list(session.id, EventFilter(types=(EventType.TOKEN_USAGE,)), PageRequest())).items
            assert (len(found), found[0].cost, found[0].data["priced_by"]) == (1, 0.0001, "table")

    on_database(scenario)
