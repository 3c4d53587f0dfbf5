"""The parts of the Telegram channel that need no network: cutting, pace, what is kept, what is left out."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from volundr_telegram import commands, hearing, questions, survey
from volundr_telegram.api import Heard
from volundr_telegram.channel import TelegramChannel
from volundr_telegram.desk import LONGEST_QUEUE, Desk, Pace, Reach
from volundr_telegram.markup import LIMIT, messages, short, units
from volundr_telegram.memory import Memory, Question, tag
from volundr_telegram.post import Post
from volundr_telegram.teller import Teller

from tests.telegram_api import Parsed
from volundr.broker.channels.channel import Channel
from volundr.sdk import Unavailable

WORDS = st.text(alphabet="ab <&>*`[]()#~\n🙂\\_\ud800h:/", max_size=1500)


@given(WORDS, st.sampled_from((400, 900, LIMIT)))
def test_any_markdown_becomes_messages_that_telegram_takes(text: str, limit: int) -> None:
    for message in messages(text * 3, limit):
        parsed = Parsed(message)
        assert parsed.wrong == ""
        assert 0 < units(parsed.text) <= LIMIT
        message.encode()


@given(st.lists(st.text(alphabet="abc <&>🙂", min_size=1, max_size=80), min_size=1, max_size=120))
def test_code_that_is_cut_stays_code_and_loses_no_line(lines: list[str]) -> None:
    source = "before\n```py\n" + "\n".join(lines) + "\n```\nafter"
    found = [Parsed(message) for message in messages(source, 600)]
    code = "\n".join(pre for one in found for pre in one.pre)
    assert code == "\n".join(lines)
    assert "".join(one.text for one in found).split()[-1] == "after"


def test_paragraphs_are_kept_together_where_that_is_possible() -> None:
    paragraphs = [f"{n} " + "word " * 30 for n in range(12)]
    found = messages("\n\n".join(paragraphs), 800)
    assert all(part.split()[0].isdigit() and part.endswith("word ") for part in found)


def test_a_line_longer_than_a_message_is_cut_between_words() -> None:
    found = messages("word " * 3000)
    assert all(units(part) <= LIMIT for part in found)
    assert "".join(found).replace("\n", "").split() == ["word"] * 3000


def test_markdown_that_means_something_is_shown_so() -> None:
    (found,) = messages("## Head **x**\n**bold** `a<b` [site](https://x.org/?a=1&b=2) 2*3*4 [no](javascript:x)")
    assert found == (
        '<b>Head x</b>\n<b>bold</b> <code>a&lt;b</code> <a href="https://x.org/?a=1&amp;b=2">site</a> 2*3*4 [no](javascript:x)'
    )
    assert messages("``` \n\n```") == [] or Parsed(messages("```\n\n```")[0]).wrong == ""
    assert short("a\nb" + "c" * 50, 10) == "a bcccccc…"


def test_the_pace_of_a_chat_and_of_a_group() -> None:
    chat, group = Pace(1.0), Pace(1.0, 3)
    assert chat.wait(0.0) == 0
    chat.took(0.0)
    assert chat.wait(0.25) == 0.75
    for at in (0.0, 1.0, 2.0):
        assert group.wait(at) == 0
        group.took(at)
    assert group.wait(3.0) == 57.0
    assert group.wait(60.0) == 0


def post(words: str, seq: int, **more: Any) -> Post:
    return Post(html=words, session="s", epoch="e", seq=seq, **({"kind": "tools"} | more))


class Shown:
    """Takes the place of Telegram."""

    def __init__(self) -> None:
        self.posts: list[str] = []

    async def show(self, chat: int, post: Post, message: int) -> int:
        self.posts.append(post.html)
        return len(self.posts)


async def sent(desk: Desk, count: int) -> list[str]:
    shown = Shown()
    running = asyncio.get_running_loop().create_task(desk.run(shown, Reach(), lambda _: ""))  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        while len(shown.posts) < count:
            await asyncio.sleep(0.001)
    running.cancel()
    return shown.posts


def test_a_chat_too_far_behind_is_told_what_was_left_out_and_still_gets_its_questions(tmp_path: Path) -> None:
    async def main() -> None:
        memory = Memory(tmp_path)
        desk = Desk(1, memory, Pace(0), 0.0)
        desk.put(post("question", 1, kind="question", key="q:1"))
        for seq in range(2, LONGEST_QUEUE + 32):
            desk.put(post(f"tool {seq}", seq))
        desk.put(post("end", 500, kind="end"))
        assert memory.chat(1).cursors == {}
        posts = await sent(desk, LONGEST_QUEUE + 3)
        assert posts[0] == "question"
        assert posts[1] == "<i>… 30 messages are left out here: they are in the web UI.</i>"
        assert posts[2] == "tool 32" and posts[-1] == "end"
        assert memory.chat(1).cursors == {"s": ("e", 500)}

    asyncio.run(main())


def test_what_waits_is_changed_in_place_and_text_is_joined(tmp_path: Path) -> None:
    async def main() -> None:
        memory = Memory(tmp_path)
        desk = Desk(1, memory, Pace(0), 60.0)
        desk.put(post("one", 1, kind="text"))
        desk.put(post("two", 2, kind="text"))
        desk.put(post("asked", 3, kind="question", key="q:1"))
        desk.put(post("more", 4, kind="text"))
        desk.put(post("decided", 5, kind="question", key="q:1", only_edit=True))
        desk.put(post("by rule?", 6, kind="question", key="q:2"))
        desk.put(post("by rule", 7, kind="question", key="q:2", only_edit=True, moot=True))
        desk.reply(Post(html="reply"))
        desk.note("s", "e", 9)
        desk.put(post("end", 10, kind="end"))
        assert await sent(desk, 5) == ["reply", "one\n\ntwo", "decided", "more", "end"]

    asyncio.run(main())


def test_what_is_kept_comes_back_and_what_is_damaged_is_put_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        memory = Memory(tmp_path)
        await memory.load()
        memory.offset = 7
        memory.chat(-5).announced("s", "e1", 9)
        memory.chat(-5).announced("s", "e2", 3)
        memory.chat(-5).sent("q:1", 44)
        memory.ask("1", Question(session="s", id="p", title="t"))
        await memory.save()
        again = Memory(tmp_path)
        await again.load()
        assert (again.offset, again.chats, again.questions) == (7, memory.chats, memory.questions)
        assert again.begin("s", [-5, 1]) == ("e2", 3) and again.begin("x", [-5]) is None
        assert again.chat(-5).key_of(44) == "q:1"
        path = tmp_path / "channels" / "telegram.json"
        assert path.stat().st_mode & 0o777 == 0o600
        path.write_text(path.read_text()[:40])
        damaged = Memory(tmp_path)
        await damaged.load()
        assert (damaged.offset, damaged.chats) == (0, {})
        assert path.with_suffix(".broken").exists()
        assert "begun anew" in caplog.text
        path.unlink(missing_ok=True)
        path.mkdir()
        for _ in range(2):
            await damaged.save()
        assert caplog.text.count("is not stored") == 1

    asyncio.run(main())


def test_a_disk_of_questions_and_cursors_stays_bounded(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    for n in range(2000):
        memory.ask(str(n), Question(session="s", id=str(n), title=""))
        memory.chat(1).announced(str(n), "e", n)
        memory.chat(1).sent(str(n), n)
    chat = memory.chat(1)
    assert len(memory.questions) <= 500 and len(chat.cursors) <= 500 and len(chat.messages) <= 500
    assert "1999" in memory.questions and "1999" in chat.cursors


def record(type_: str, seq: int, at: str = "2026-01-01T00:00:00.000Z", **more: Any) -> dict[str, Any]:
    return {"type": type_, "seq": seq, "at": at} | more


def raised(name: str, seq: int, **more: Any) -> dict[str, Any]:
    return record("permission_raised", seq, id=name, tool="Bash", title=name, input={}, scopes=["once"]) | more


def test_what_was_before_the_channel_is_not_told_except_for_open_questions(tmp_path: Path) -> None:
    teller = Teller("s", Memory(tmp_path), "all", since="2026-06-01")
    teller.take({"type": "hello", "epoch": "e"})
    old = [
        record("agent_message", 1, kind="text", parent=None, text="old"),
        raised("closed", 2),
        record("permission_closed", 3, id="closed", reason="gone"),
        raised("open", 4),
    ]
    assert [post for frame in old for post in teller.take(frame)] == []
    (asked,) = teller.take({"type": "caught_up", "seq": 4})
    assert "open" in asked.html and asked.kind == "question"
    assert teller.take({"type": "caught_up", "seq": 4}) == []
    assert teller.take(record("agent_message", 5, "2026-06-02", kind="text", parent="t1", text="of a sub-agent")) == []
    assert teller.take({"type": "something_new"}) == []


def test_what_a_question_is_about_is_shown_and_fits(tmp_path: Path) -> None:
    def shown(**more: Any) -> str:
        html, rows = questions.shown("0123456789ab", raised("p", 1, **more))
        assert Parsed(html).wrong == "" and units(Parsed(html).text) < LIMIT
        assert all(len(data.encode()) <= 64 for row in rows for _, data in row)
        return html

    assert "<pre>echo &lt;x&gt;</pre>" in shown(input={"command": "echo <x>"})
    assert "Answer in the web UI" in shown(input={"command": "<&>" * 5000})
    assert "<b>Plan</b>" in shown(tool="ExitPlanMode", input={"plan": "# Plan\n- a"})
    assert "Answer in the web UI" in shown(tool="ExitPlanMode", input={"plan": "# Plan\n" + "<a> `b` " * 2000})
    assert "src/a.py" in shown(tool="Write", input={"file_path": "src/a.py", "content": "x"})
    assert "field 7" in shown(tool="AskUserQuestion", input={"questions": [{"question": f"field {n} " * 50} for n in range(40)]})
    assert "Pick" in shown(tool="AskUserQuestion", input={"questions": [{"question": "Pick", "options": [{"label": "é" * 99}]}]})


def test_buttons_mean_what_they_say_and_nothing_else() -> None:
    known = Question(session="s", id="p", title="t", asks="q", labels=["A"], given=json.dumps({"questions": []}))
    assert questions.pressed(known, "c", "1") is None and questions.pressed(known, "a", "x") is None
    assert questions.pressed(known, "z", "") is None
    once = questions.pressed(known, "a", "o")
    assert once is not None and (once.decision, once.scope) == ("allow", "once")
    chosen = questions.pressed(known, "c", "0")
    assert chosen is not None and chosen.input == {"questions": [], "answers": {"q": "A"}}


def test_a_survey_adds_up_cost_models_and_what_is_open() -> None:
    found = survey.Survey()
    for frame in (
        record("agent_offers", 1, models=[{"id": "a", "label": "A"}]),
        record("turn_finished", 2, usage=[{"cost_usd": 0.5}, {"cost_usd": None}]),
        record("turn_finished", 3, usage=[{"cost_usd": 0.25}]),
        raised("p1", 4),
        raised("p2", 5),
        record("permission_decided", 6, id="p1"),
    ):
        found.take(frame)
    assert (found.models, found.cost, found.turns, found.open) == ([("a", "A")], 0.75, 2, {"p2": "p2"})


def test_reach_speaks_of_changes_alone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    reach = Reach()
    reach.up()
    for _ in range(3):
        reach.down(Unavailable("no network"))
    reach.up()
    assert [one.getMessage() for one in caplog.records] == [
        "telegram does not serve us, trying again",
        "telegram answers again",
    ]


def test_names_are_short_and_the_parts_fit_together() -> None:
    assert len(tag("a" * 500, "b")) == 12 and tag("ab", "c") != tag("a", "bc")
    assert issubclass(TelegramChannel, Channel)
    assert commands.HELP.count("/") > 5 and Parsed(commands.HELP).wrong == ""
    assert Heard(update=1, chat=2).text is None and hearing.TRIES > 1
