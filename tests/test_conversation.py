"""The rules of a conversation: single cases that read as sentences, and whatever interleaving hypothesis can think of."""

from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversation_play import SHELL, Play, ask, fresh
from volundr.broker import events as ev
from volundr.broker import parts
from volundr.broker import records as rec
from volundr.broker.conversation import Delivered, Input, Opened, RulesGrew
from volundr.broker.frames import Decide, Delta, Interrupt, Rejected, Send, Stored
from volundr.broker.parts import Capabilities, Rule
from volundr.broker.people import Said
from volundr.broker.runs import Vanished


def test_messages_during_a_turn_wait_and_start_the_next_one_together() -> None:
    play = Play().open()
    play.said("a", "b", "c")
    assert play.kinds() == ["agent_state", "user_message", "turn_started", "user_message", "user_message"]
    play.give(ev.TurnEnded(status="ok"))
    assert play.last("turn_started").messages == ("b", "c")
    command = play.talk.state.outstanding[play.log[-1].seq]
    assert command == ev.Say(messages=(("b", "text of b"), ("c", "text of c")))


def test_a_message_sent_again_is_only_acknowledged_again() -> None:
    play = Play().open()
    play.said("a", "a")
    assert play.kinds().count("user_message") == 1
    assert play.replies == [Stored(id="a", seq=2), Stored(id="a", seq=2)]


@pytest.mark.parametrize(("name", "text"), [("", "x"), ("i" * 201, "x"), ("a", " \n ")])
def test_a_message_without_id_or_text_is_refused(name: str, text: str) -> None:
    play = Play().open()
    play.give(Said(frame=Send(id=name, text=text), by="ann"))
    assert isinstance(play.replies[-1], Rejected)
    assert play.kinds() == ["agent_state"]


def test_the_first_answer_wins_and_the_second_is_told_who_gave_it() -> None:
    play = Play().open()
    play.said("a")
    play.give(ask("p"))
    play.give(Said(frame=Decide(id="p", decision="deny", message="no"), by="ann"))
    play.give(Said(frame=Decide(id="p", decision="allow"), by="bob"))
    assert play.kinds().count("permission_decided") == 1
    assert play.replies[-1] == Rejected(id="p", error="This was already decided by ann.")
    assert next(iter(play.talk.state.answers()))[1].native == {"n": "p"}
    play.give(Delivered(id="p"))
    play.give(Delivered(id="p"))
    assert play.kinds().count("permission_delivered") == 1


@pytest.mark.parametrize("scope", ["session", "always"])
def test_a_kept_rule_answers_what_is_open_and_what_comes(scope: parts.Scope) -> None:
    play = Play().open()
    play.said("a")
    play.give(ask("p", SHELL))
    play.give(ask("q", SHELL))
    play.give(ask("other", Rule(tool="Edit")))
    play.give(Said(frame=Decide(id="p", decision="allow", scope=scope), by="ann"))
    assert play.last("permission_decided") == rec.PermissionDecided(id="q", decision="allow")
    assert list(play.talk.state.questions) == ["other"]
    play.give(ev.TurnEnded(status="ok"))
    play.give(ev.Exited(code=1, error="gone"))
    play.said("b")
    play.talk = play.folded()
    play.give(ask("r", SHELL))
    assert play.last("permission_decided").id == "r"
    assert play.talk.state.activity.state == "working"


def test_a_denial_keeps_no_rule_and_a_question_without_rules_is_always_asked() -> None:
    play = Play().open()
    play.said("a")
    play.give(ask("p", SHELL))
    play.give(Said(frame=Decide(id="p", decision="deny", scope="always"), by="ann"))
    play.give(ask("q", SHELL))
    play.give(ask("none"))
    assert list(play.talk.state.questions) == ["q", "none"]


def test_rules_of_the_project_answer_at_once_also_when_they_come_later() -> None:
    play = Play(talk=fresh(always=frozenset({Rule(tool="Bash")}))).open()
    play.give(ask("p", SHELL))
    assert play.last("permission_decided").by == ""
    play = Play().open()
    play.give(ask("p", SHELL))
    play.talk.always = frozenset({SHELL})
    play.give(RulesGrew())
    assert play.last("permission_decided").id == "p"


def test_answers_that_make_no_sense_are_refused() -> None:
    play = Play(talk=fresh(capabilities=Capabilities())).open()
    play.give(ask("p", SHELL, scopes=("once",)))
    for frame, words in (
        (Decide(id="x", decision="allow"), "no such question"),
        (Decide(id="p", decision="allow", scope="always"), "only: once"),
        (Decide(id="p", decision="allow", input={"b": 1}), "changed input"),
    ):
        play.give(Said(frame=frame, by="ann"))
        reply = play.replies[-1]
        assert isinstance(reply, Rejected)
        assert words in reply.error


def test_an_interrupt_closes_questions_and_ends_the_turn_as_interrupted() -> None:
    play = Play().open()
    play.give(Said(frame=Interrupt(), by="ann"))
    assert isinstance(play.replies[-1], Rejected)
    play.said("a")
    play.give(ask("p", SHELL))
    play.give(Said(frame=Interrupt(), by="ann"))
    play.give(Said(frame=Interrupt(), by="bob"))
    assert play.kinds()[-2:] == ["interrupt_requested", "permission_closed"]
    assert play.kinds().count("interrupt_requested") == 1
    assert ev.Break(number=play.log[-2].seq) in play.talk.state.outstanding.values()
    play.give(ev.TurnEnded(status="failed", error="aborted"))
    assert play.last("turn_finished").status == "interrupted"
    assert not play.talk.state.outstanding


def test_an_agent_that_dies_fails_the_turn_and_the_next_message_resumes() -> None:
    play = Play().open()
    play.give(ev.Ready(native="n1"))
    play.said("a")
    play.give(ask("p"))
    play.give(ev.Exited(code=3, error="please login"))
    assert play.kinds()[-3:] == ["permission_closed", "turn_finished", "agent_state"]
    finished = play.last("turn_finished")
    assert (finished.status, finished.error, finished.hint) == ("failed", "please login", "Log in.")
    assert play.last("agent_state").state == "exited"
    play.said("b")
    started = play.last("agent_state")
    assert (started.state, started.native, started.run) == ("starting", "n1", "e.2")
    assert play.last("turn_started").messages == ("b",)


def test_a_run_that_is_gone_without_a_word_interrupts_the_turn() -> None:
    play = Play().open()
    play.give(ev.Ready(native="n1"))
    play.said("a", "b")
    play.give(ev.Exited(code=None, error="The shim is gone."))
    assert play.last("turn_finished").status == "interrupted"
    assert play.last("turn_started").messages == ("b",), "what waited goes into the next run"


def test_an_agent_that_cannot_start_says_why() -> None:
    play = Play().open()
    play.give(ev.Exited(code=1, error="claude: not found", hint="Install it."))
    assert play.last("agent_state").state == "failed"
    assert play.talk.state.activity.state == "failed"
    assert play.talk.state.activity.what == "claude: not found"


def test_a_stop_interrupts_and_what_waits_is_said_after_the_next_start() -> None:
    play = Play().open()
    play.give(ev.Ready(native="n1"))
    play.said("a", "b")
    play.talk.state.phase = "stopping"
    play.give(ev.Exited(code=0, wanted=True))
    assert play.last("turn_finished") == rec.TurnFinished(turn=1, status="interrupted")
    play.said("c")
    assert isinstance(play.replies[-1], Rejected)
    play.talk = play.folded()
    play.give(Opened())
    assert play.last("agent_state").native == "n1"
    assert play.last("turn_started").messages == ("b",)


@pytest.mark.parametrize("how", ["exit", "turn"])
def test_a_forgotten_conversation_begins_anew_once(how: str) -> None:
    play = Play().open()
    play.give(ev.Ready(native="n1"))
    play.give(ev.Exited(code=0, wanted=True))
    play.said("a")
    assert play.last("agent_state").native == "n1"
    end = ev.Exited(code=1, error="forgotten") if how == "exit" else ev.TurnEnded(status="failed", error="forgotten")
    play.give(end)
    assert play.kinds()[-2:] == ["notice", "agent_state"]
    assert play.last("agent_state").native == ""
    assert ev.Say(messages=(("a", "text of a"),)) in play.talk.state.outstanding.values(), "it is said again"
    play.give(ev.Exited(code=1, error="forgotten"))
    assert play.last("turn_finished").status == "failed"


def test_a_run_that_never_began_is_begun_when_skuld_comes_back() -> None:
    play = Play().open()
    play.said("a")
    play.talk = play.folded()
    play.give(Vanished())
    assert play.last("agent_state").run == "e.2"
    assert play.talk.state.working
    play.give(ev.Ready(native="n"))
    play.give(Vanished())
    assert play.last("turn_finished").status == "interrupted"


def test_deltas_add_up_and_a_late_comer_gets_all_of_it() -> None:
    play = Play().open()
    play.said("a")
    for piece in ("Hé", "llo 🔥", "!"):
        play.give(ev.TextDelta(id="m", block=0, kind="text", text=piece))
    assert [delta.offset for delta in play.deltas] == [0, 2, 7]
    assert play.talk.state.open_blocks() == [Delta(id="m", block=0, kind="text", offset=0, text="Héllo 🔥!")]
    play.give(ev.TextDone(id="m", block=0, kind="text", text="Héllo 🔥!"))
    assert play.talk.state.open_blocks() == []


def test_the_activity_says_what_is_going_on() -> None:
    play = Play()
    seen = []

    def note() -> None:
        activity = play.talk.state.activity
        seen.append((activity.state, activity.what))

    steps: list[Input] = [
        Opened(),
        ev.Ready(),
        Said(frame=Send(id="a", text="x")),
        ev.ToolCalled(id="t", name="Bash", title="make"),
        ask("p"),
        Said(frame=Decide(id="p", decision="allow")),
        ev.ToolEnded(id="t", ok=True),
        ev.TurnEnded(status="ok"),
    ]
    for step in steps:
        play.give(step)
        note()
    assert seen == [
        ("starting", ""),
        ("idle", ""),
        ("working", ""),
        ("working", "make"),
        ("waiting", "Run p"),
        ("working", "make"),
        ("working", ""),
        ("idle", ""),
    ]


# --- whatever may happen ----------------------------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "c", "d", "e"])
questions = st.sampled_from(["p", "q", "r"])
rules = st.sampled_from([(), (SHELL,), (Rule(tool="Edit"),)])
inputs = st.one_of(
    st.builds(lambda n: Said(frame=Send(id=n, text=n), by="ann"), names),
    st.builds(
        lambda q, d, s: Said(frame=Decide(id=q, decision=d, scope=s), by="bob"),
        questions,
        st.sampled_from(["allow", "deny"]),
        st.sampled_from(["once", "session", "always"]),
    ),
    st.just(Said(frame=Interrupt(), by="ann")),
    st.builds(lambda q, r: ask(q, *r), questions, rules),
    st.builds(lambda q: ev.Withdrawn(id=q), questions),
    st.builds(lambda q: Delivered(id=q), questions),
    st.builds(lambda n: ev.Taken(id=n), names),
    st.builds(
        lambda s, e: ev.TurnEnded(status=s, error=e), st.sampled_from(["ok", "failed"]), st.sampled_from(["", "forgotten"])
    ),
    st.builds(
        lambda c, w, e: ev.Exited(code=c, wanted=w, error=e), st.sampled_from([None, 0, 1]), st.booleans(), st.just("forgotten")
    ),
    st.just(ev.Ready(native="n")),
    st.builds(lambda t: ev.TextDelta(id="m", block=0, kind="text", text=t), st.text(max_size=3)),
    st.just(ev.TextDone(id="m", block=0, kind="text", text="done")),
    st.just(ev.ToolCalled(id="t", name="Bash", title="make")),
    st.just(ev.ToolEnded(id="t", ok=True)),
    st.sampled_from([Opened(), Vanished(), RulesGrew()]),
)


def check(play: Play) -> None:
    sent, taken, decided, open_questions = list[str](), list[str](), set[str](), set[str]()
    turn = False
    for entry in play.log:
        match entry.record:
            case rec.UserMessage(id=name):
                sent.append(name)
            case rec.TurnStarted(messages=messages):
                assert not turn, "one turn at a time"
                turn = True
                taken += messages
            case rec.TurnFinished():
                assert turn
                turn = False
            case rec.PermissionRaised(id=name):
                assert name not in open_questions
                open_questions.add(name)
                decided.discard(name)
            case rec.PermissionDecided(id=name):
                assert name in open_questions, "decided once, while it was open"
                open_questions.remove(name)
                decided.add(name)
            case rec.PermissionDelivered(id=name):
                assert name in decided, "delivered once, after it was decided"
                decided.remove(name)
            case rec.PermissionClosed(id=name):
                assert name in open_questions
                open_questions.remove(name)
            case _:
                pass
    assert taken == sent[: len(taken)], "every message in one turn, in order"
    assert sent[len(taken) :] == list(play.talk.state.waiting)
    assert open_questions == set(play.talk.state.questions)
    assert turn == play.talk.state.working
    assert not (turn and not play.talk.state.alive), "a turn has a run to run in"


@settings(max_examples=150, deadline=None)
@given(st.lists(inputs, max_size=40), st.integers(0, 40))
def test_any_interleaving_keeps_the_rules_and_a_restart_changes_nothing(steps: list[Input], restart: int) -> None:
    play = Play().open()
    for number, step in enumerate(steps):
        if number == restart:
            play.talk = play.folded()
        play.give(step)
        check(play)
    folded, live = play.folded().state, play.talk.state
    assert folded == live
    assert asdict(folded.activity) == asdict(live.activity)
