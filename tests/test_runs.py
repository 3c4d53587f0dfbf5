"""An agent whose program is started anew for each prompt, and a conversation that was forked."""

from tests.conversation_play import Play, fresh
from volundr.broker import events as ev
from volundr.broker.codec import Entry
from volundr.broker.conversation import Opened
from volundr.broker.parts import Capabilities
from volundr.broker.records import Forked

ALONE = Capabilities(permissions=False, per_message=True)


def alone() -> Play:
    return Play(talk=fresh(capabilities=ALONE)).open()


def test_nothing_is_started_before_there_is_a_message() -> None:
    play = alone()
    assert play.last("agent_state").state == "exited"
    assert play.talk.state.activity.state == "idle"
    play.said("a")
    assert play.kinds()[-3:] == ["user_message", "agent_state", "turn_started"]
    assert play.last("agent_state").state == "starting"


def test_a_program_that_ends_after_its_turn_is_as_it_should_be() -> None:
    play = alone()
    play.said("a")
    play.give(ev.Ready(native="n1"))
    play.give(ev.TurnEnded(status="ok"))
    play.give(ev.Exited(code=0))
    ended = play.last("agent_state")
    assert (ended.state, ended.error, ended.native) == ("exited", "", "n1")
    assert play.talk.state.activity.state == "idle"
    play.said("b")
    assert (play.last("agent_state").state, play.last("agent_state").native) == ("starting", "n1")


def test_a_message_during_a_turn_waits_for_the_next_program() -> None:
    play = alone()
    play.said("a", "b")
    play.give(ev.TurnEnded(status="ok"))
    assert not play.talk.state.working  # its input has ended: this program gets nothing more
    play.said("c")
    assert not play.talk.state.working
    play.give(ev.Exited(code=0))
    assert play.last("turn_started").messages == ("b", "c")
    assert play.folded().state == play.talk.state


def test_a_program_that_ends_without_a_word_fails_its_turn_and_not_the_session() -> None:
    play = alone()
    play.said("a")
    play.give(ev.Exited(code=1, error="no login"))
    finished = play.last("turn_finished")
    assert (finished.status, finished.error, finished.hint) == ("failed", "no login", "Log in.")
    assert play.talk.state.activity.state == "idle"


def test_opening_a_session_again_starts_no_program() -> None:
    play = alone()
    play.said("a")
    play.give(ev.Exited(code=0, wanted=True))
    before = len(play.log)
    play.give(Opened())
    assert len(play.log) == before


def test_a_fork_remembers_what_was_said_and_leaves_all_else_behind() -> None:
    play = Play().open()
    play.give(ev.Ready(native="n1"))
    play.said("a", "waits")
    forked = Forked(session="s1", name="first", native="n1")
    play.log.append(Entry(play.talk.state.seq + 1, "t", 0, forked))
    play.talk.apply(play.log[-1])
    state = play.talk.state
    assert not (state.working or state.waiting or state.outstanding or state.alive)
    play.said("b")
    started = play.last("agent_state")
    assert (started.native, state.forked_from, state.resumed) == ("n1", "n1", "n1")
    assert play.last("turn_started").messages == ("b",)
    play.give(ev.Ready(native="n2"))
    play.give(ev.Exited(code=-9))
    play.said("c")
    assert play.last("agent_state").native == "n2"
    assert play.folded().state == play.talk.state
