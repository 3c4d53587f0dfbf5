"""One list of what agents of all sessions wait for, and answers without a socket."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.books import desk
from tests.conftest import Run
from tests.skuld_kit import Rig, skuld, until
from volundr.api.permissions import QuestionIn
from volundr.broker.events import Asked, Ready
from volundr.broker.parts import Rule
from volundr.broker.records import PermissionRaised
from volundr.broker.report import LONGEST_INPUT, open_questions, shortened
from volundr.broker.routes.permissions import Decision
from volundr.db.database import Database
from volundr.domain.errors import Invalid
from volundr.domain.identity import Whose
from volundr.domain.paging import PageRequest
from volundr.domain.permissions import OpenQuestion
from volundr.domain.sessions.model import Activity, Status
from volundr.domain.tickets import issue

AT = datetime(2026, 1, 1, tzinfo=UTC)

MINE = Whose(tenant_id="default", owner_id="local")


def question(name: str, second: int = 0, **more: object) -> OpenQuestion:
    known = {"tool": "Bash", "title": f"Bash: {name}", "input": {"command": name}, "raised_at": AT + timedelta(seconds=second)}
    return OpenQuestion(id=name, **(known | more))  # type: ignore[arg-type]


def test_open_questions_of_all_running_sessions_are_one_list_oldest_first(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            one, two = await site.session("one"), await site.session("two")
            foreign, stopped = await site.session("three", owner="somebody"), await site.session("four", Status.STOPPED)
            keep = site.books.permissions.replace
            await keep(two.id, [question("b", 2), question("d", 4)])
            rules = [{"tool": "Bash", "subject": "ls"}]
            await keep(one.id, [question("a", 1, reason="why", scopes=["once", "session"], rules=rules), question("c", 3)])
            await keep(foreign.id, [question("x")])
            await keep(stopped.id, [question("y")])
            page = await site.get("permissions")
            assert [item["id"] for item in page["items"]] == ["a", "b", "c", "d"]
            assert page["next"] is None
            assert page["items"][0] == {
                "session_id": str(one.id),
                "session_name": "one",
                "id": "a",
                "tool": "Bash",
                "title": "Bash: a",
                "reason": "why",
                "input": {"command": "a"},
                "scopes": ["once", "session"],
                "rules": rules,
                "raised_at": "2026-01-01T00:00:01Z",
            }
            seen, cursor = list[str](), ""
            while True:
                page = await site.get("permissions", limit=1, cursor=cursor)
                seen += [item["id"] for item in page["items"]]
                if page["next"] is None:
                    break
                cursor = page["next"]
            assert seen == ["a", "b", "c", "d"]
            assert (await site.http.get("/api/v1/permissions?cursor=nonsense")).status_code == 422
            assert (await site.http.get("/api/v1/permissions", headers=site.pod(one))).status_code == 401

    on_database(scenario)


def test_each_report_replaces_those_before_and_a_stopped_session_asks_nothing(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            session, other = await site.session("one"), await site.session("other")

            async def ids() -> list[str]:
                return [item.id for item in (await site.books.permissions.pending(MINE, PageRequest())).items]

            async def say(state: str, *questions: OpenQuestion) -> None:
                await site.reports.activity(session.id, Activity(state=state), questions)  # type: ignore[arg-type]

            await site.books.permissions.replace(other.id, [question("o", 9)])
            await say("waiting", question("a"), question("b", 1))
            assert await ids() == ["a", "b", "o"]
            await say("waiting", question("b", 1))
            assert await ids() == ["b", "o"]
            await say("waiting", question("b", 2))  # another run asks under an old name
            assert (await site.books.permissions.pending(MINE, PageRequest(limit=1))).items[0].raised_at == AT + timedelta(
                seconds=2
            )
            await say("idle")
            assert await ids() == ["o"]
            await say("waiting", question("b", 1))
            await site.sessions.move(session.id, Status.STOPPING, {})
            assert await ids() == ["o"]
            await say("waiting", question("b", 1), question("c", 1))
            assert [row["id"] for row in await db.fetch("SELECT id FROM open_questions")] == ["o"]
            await site.sessions.delete(other.id)
            assert await db.fetch("SELECT id FROM open_questions") == []

    on_database(scenario)


def test_a_cursor_of_somebody_else_is_refused(on_database: Run, tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        async with desk(db, tmp_path) as site:
            with pytest.raises(Invalid, match="cursor"):
                await site.books.permissions.pending(MINE, PageRequest(cursor="nonsense"))

    on_database(scenario)


# --- Skuld's side -----------------------------------------------------------------------------------------------------


def test_what_leaves_skuld_is_small_has_no_secrets_and_is_what_the_forge_takes() -> None:
    asked = PermissionRaised(
        id="p",
        tool="Write",
        title="Write\nx",
        input={
            "content": "x" * 100_000,
            "deep": [{"n": 1, "t": "y" * 9000, "nan": float("nan")}],
            "token": "a\0b",
            "half": "\ud83d",
        },
        reason="r" * 9000,
        rules=(Rule(tool="Bash", subject="export API_KEY=sk-ant-REDACTED"),),
        scopes=("once", "session"),
    )
    (one,) = open_questions({"p": asked}, {"p": "2026-01-01T00:00:00.000Z"})
    assert len(json.dumps(one["input"])) <= LONGEST_INPUT
    assert "sk-ant" not in json.dumps(one)
    taken = QuestionIn.model_validate_json(json.dumps(one)).question()
    assert (taken.id, taken.title, taken.raised_at) == ("p", "Write x", AT)
    assert taken.scopes == ["once", "session"]


def test_values_under_telling_names_are_hidden() -> None:
    given = {"password": "x", "env": {"API_KEY": "y", "authToken": "z"}, "path": "a", "tokens": 7}
    shown = {"password": "[hidden]", "env": {"API_KEY": "[hidden]", "authToken": "[hidden]"}, "path": "a", "tokens": 7}
    assert shortened(given) == shown


@pytest.mark.parametrize(
    "given", [{}, {"a": 1}, {str(n): "x" * 50 for n in range(500)}, {"deep": [[["x" * 5000]] * 50]}, {"x" * 9000: None}]
)
def test_any_input_fits(given: dict[str, object]) -> None:
    assert len(json.dumps(shortened(given))) <= LONGEST_INPUT
    if len(json.dumps(given)) < 1000:
        assert shortened(given) == given


async def asking(rig: Rig, *names: str) -> str:
    session = await rig.new()
    async with rig.client(session) as ann:
        await ann.send(type="send", id="m", text="x")
        await ann.wait("turn_started")
    process = rig.world.of(session)
    process.say(
        Ready(model="big"), *(Asked(id=name, tool="Bash", title=f"Bash: {name}", input={"command": name}) for name in names)
    )
    questions = rig.skuld.manager.find(session).journal.conversation.state.questions
    await until(lambda: len(questions) == len(names))
    return session


def ticket(session: str, by: str = "bob") -> str:
    return issue("s3", session, by, time.time())


def test_an_answer_over_http_reaches_the_agent_once_and_the_second_hears_why_not(tmp_path: Path) -> None:
    async def story() -> None:
        async with skuld(tmp_path) as rig:
            session = await asking(rig, "ask/1", "two")
            path = f"/s/{session}/permissions"
            status, shown = await rig.http("GET", path, ticket(session))
            assert (status, [one["id"] for one in shown["items"]]) == (200, ["ask/1", "two"])
            assert shown["items"][0]["input"] == {"command": "ask/1"}
            no = {"decision": "deny", "message": "not that"}
            assert await rig.http("POST", f"{path}/ask/1", ticket(session), no) == (200, {"id": "ask/1", "decision": "deny"})
            await until(lambda: any(getattr(told, "id", "") == "ask/1" for told in rig.world.of(session).told.values()))
            status, problem = await rig.http("POST", f"{path}/ask/1", ticket(session, "eve"), {"decision": "allow"})
            assert (status, problem["detail"]) == (409, "This was already decided by bob.")
            status, problem = await rig.http("POST", f"{path}/two", ticket(session), {"decision": "allow", "scope": "always"})
            assert (status, "cannot be allowed for 'always'" in problem["detail"]) == (409, True)
            status, problem = await rig.http("POST", f"{path}/three", ticket(session), {"decision": "allow"})
            assert (status, problem["detail"]) == (409, "There is no such question.")
            assert (await rig.http("POST", f"{path}/two", ticket(session), {"decision": "maybe"}))[0] == 422
            assert (await rig.http("POST", f"{path}/two", ticket(session), Decision(decision="allow").model_dump()))[0] == 200
            status, shown = await rig.http("GET", path, ticket(session))
            assert shown == {"items": []}

    asyncio.run(story())


def test_without_a_ticket_nothing_is_shown_or_decided(tmp_path: Path) -> None:
    async def story() -> None:
        async with skuld(tmp_path) as rig:
            session = await asking(rig, "p")
            path, used = f"/s/{session}/permissions", ticket(session)
            assert (await rig.http("GET", path, "nonsense"))[0] == 403
            assert (await rig.http("GET", path, used))[0] == 200
            assert (await rig.http("POST", f"{path}/p", used, {"decision": "allow"}))[0] == 403
            assert (await rig.http("POST", f"{path}/p", issue("other", session, "eve", time.time()), {"decision": "allow"}))[
                0
            ] == 403
            assert "p" in rig.skuld.manager.find(session).journal.conversation.state.questions

    asyncio.run(story())
