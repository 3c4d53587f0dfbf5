"""What people may do while the agent works: queue, change, take back, steer, choose."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversation_play import Play, ask, fresh
from volundr.broker import events as ev
from volundr.broker import records as rec
from volundr.broker.conversation import Expired, Input, Opened
from volundr.broker.frames import Choose, Decide, Edit, Interrupt, Remove, Send, Stored
from volundr.broker.parts import Attachment, Capabilities, Choice
from volundr.broker.people import Doing, Said
from volundr.broker.runs import Vanished

ABLE = Capabilities(steer=True, model=True, mode=True, thinking=True, images=True)


def busy(**more: object) -> Play:
    """A conversation in its first turn, with a message `m` that the agent works on."""
    play = Play(talk=fresh(capabilities=ABLE, **more)).open()
    play.give(ev.Ready(native="n1", model="big", mode="ask"))
    play.said("m")
    return play


def do(play: Play, frame: Doing) -> None:
    play.give(Said(frame=frame, by="ann"))


def test_a_waiting_message_can_be_changed_and_is_said_as_it_reads_last() -> None:
    play = busy()
    play.said("a", "b")
    do(play, Edit(id="a", text="better"))
    play.give(ev.TurnEnded(status="ok"))
    said = list(play.talk.state.outstanding.values())[-1]
    assert said == ev.Say(messages=(("a", "better"), ("b", "text of b")))
    assert play.folded().state == play.talk.state


def test_a_waiting_message_can_be_taken_back_and_is_never_said() -> None:
    play = busy()
    play.said("a")
    do(play, Remove(id="a"))
    play.give(ev.TurnEnded(status="ok"))
    assert not play.talk.state.working
    play.said("a")  # sent once more by a client that did not hear of it: stored already, and taken back
    assert isinstance(play.replies[-1], Stored)
    assert not play.talk.state.working


@pytest.mark.parametrize("frame", [Edit(id="m", text="x"), Remove(id="m"), Edit(id="never", text="x"), Edit(id="a", text=" ")])
def test_what_the_agent_has_cannot_be_changed(frame: Doing) -> None:
    play = busy()
    play.said("a")
    before = len(play.log)
    do(play, frame)
    assert len(play.log) == before
    assert play.replies[-1].type == "rejected"


def test_a_steered_message_goes_to_the_agent_in_the_turn_that_runs() -> None:
    play = busy()
    do(play, Send(id="s", text="rather this", steer=True))
    assert play.kinds()[-2:] == ["user_message", "message_steered"]
    assert list(play.talk.state.outstanding.values())[-1] == ev.Steer(message=("s", "rather this"))
    play.give(ev.Taken(id="s"))
    play.give(ev.TurnEnded(status="ok"))
    assert play.kinds()[-2:] == ["message_seen", "turn_finished"]
    assert not play.talk.state.outstanding


def test_a_steered_message_that_the_agent_queued_begins_the_next_turn_without_being_said_again() -> None:
    play = busy()
    do(play, Send(id="s", text="rather this", steer=True))
    play.give(ev.TurnEnded(status="ok"))
    assert not play.talk.state.working
    play.give(ev.Taken(id="s"))
    assert play.last("turn_started").messages == ("s",)
    assert not [said for said in play.talk.state.outstanding.values() if isinstance(said, ev.Say)]
    play.give(ev.TurnEnded(status="ok"))
    assert play.folded().state == play.talk.state


def test_a_steered_message_that_came_too_late_waits_for_the_next_turn() -> None:
    play = busy()
    do(play, Send(id="s", text="rather this", steer=True))
    play.give(ev.TurnEnded(status="ok"))
    play.give(ev.Untaken(id="s"))
    assert play.kinds()[-2:] == ["message_returned", "turn_started"]
    assert list(play.talk.state.outstanding.values()) == [ev.Say(messages=(("s", "rather this"),))]


def test_an_agent_that_will_take_up_none_any_more_gives_all_back_in_their_order() -> None:
    play = busy()
    for name in ("s1", "s2"):
        do(play, Send(id=name, text=name, steer=True))
    play.said("w")
    play.give(ev.Untaken(id=""))
    assert list(play.talk.state.waiting) == ["s1", "s2", "w"]
    play.give(ev.TurnEnded(status="ok"))
    assert play.last("turn_started").messages == ("s1", "s2", "w")


def test_an_agent_that_dies_gives_steered_messages_back_in_their_order() -> None:
    play = busy()
    for name in ("s1", "s2"):
        do(play, Send(id=name, text=name, steer=True))
    play.said("w")
    play.give(ev.Exited(code=-9))
    assert play.last("turn_started").messages == ("s1", "s2", "w")
    assert list(play.talk.state.outstanding.values()) == [ev.Say(messages=(("s1", "s1"), ("s2", "s2"), ("w", "text of w")))]
    assert play.folded().state == play.talk.state


@pytest.mark.parametrize("able", [Capabilities(), Capabilities(steer=True)])
def test_steering_is_queueing_where_it_cannot_be_done(able: Capabilities) -> None:
    play = Play(talk=fresh(capabilities=able)).open()
    play.said("m")
    if able.steer:
        do(play, Interrupt())
    do(play, Send(id="s", text="x", steer=True))
    assert list(play.talk.state.waiting) == ["s"]


def test_a_choice_reaches_the_agent_and_the_next_run() -> None:
    play = busy()
    play.give(ev.Offered(modes=(Choice(id="ask", label="Ask"), Choice(id="plan", label="Plan"))))
    do(play, Choose(mode="plan", thinking="4000"))
    assert list(play.talk.state.outstanding.values())[-1] == ev.Adjust(number=play.log[-1].seq, mode="plan", thinking="4000")
    play.give(ev.Ready(mode="plan", thinking="4000"))
    assert (play.last("agent_state").mode, play.last("agent_state").model) == ("plan", "big")
    play.give(ev.Exited(code=-9))
    assert play.talk.state.chosen == {"mode": "plan", "thinking": "4000"}
    assert not [said for said in play.talk.state.outstanding.values() if isinstance(said, ev.Adjust)]


@pytest.mark.parametrize("choice", [Choose(), Choose(mode="nonsense"), Choose(model=""), Choose(model="x" * 201)])
def test_nonsense_is_not_chosen(choice: Choose) -> None:
    play = busy()
    play.give(ev.Offered(modes=(Choice(id="ask", label="Ask"),)))
    do(play, choice)
    assert play.replies[-1].type == "rejected"
    assert not play.talk.state.chosen


def test_what_an_agent_cannot_change_is_not_chosen() -> None:
    play = Play(talk=fresh(capabilities=Capabilities())).open()
    do(play, Choose(model="small"))
    assert play.replies[-1].type == "rejected"


def test_offers_are_recorded_when_they_change_and_what_is_not_said_stays() -> None:
    play = busy()
    models = (Choice(id="big", label="Big"),)
    for event in (ev.Offered(models=models), ev.Offered(models=models), ev.Offered(modes=(Choice(id="ask", label="Ask"),))):
        play.give(event)
    assert play.kinds().count("agent_offers") == 2
    assert play.last("agent_offers").models == models
    assert play.folded().state == play.talk.state


def test_files_go_with_the_message_also_into_a_second_run() -> None:
    play = busy()
    about = Attachment(id="f" * 32, name="a.png", media_type="image/png", size=3)
    play.give(Said(frame=Send(id="a", text="", attachments=(about.id,)), by="ann", attachments=(about,)))
    play.give(ev.TurnEnded(status="ok"))
    [said] = play.talk.state.outstanding.values()
    assert said == ev.Say(messages=(("a", ""),), attached={"a": (ev.Attached(about=about, path=""),)})
    assert play.folded().state == play.talk.state


def test_a_question_that_nobody_answers_is_denied_with_a_word() -> None:
    play = busy()
    play.give(ask("q"))
    play.give(Expired(id="q", words="Nobody answered within 30 minutes."))
    decided = play.last("permission_decided")
    assert (decided.decision, decided.message) == ("deny", "Nobody answered within 30 minutes.")
    before = len(play.log)
    play.give(Expired(id="q", words="again"))
    assert len(play.log) == before
    do(play, Decide(id="q", decision="allow"))
    assert play.replies[-1].type == "rejected"


names = st.sampled_from(["a", "b", "c", "d"])
inputs = st.one_of(
    st.builds(lambda n, s: Said(frame=Send(id=n, text=n, steer=s), by="ann"), names, st.booleans()),
    st.builds(lambda n, t: Said(frame=Edit(id=n, text=t), by="bob"), names, st.sampled_from(["new", " "])),
    st.builds(lambda n: Said(frame=Remove(id=n), by="bob"), names),
    st.builds(lambda m: Said(frame=Choose(model=m, mode=m), by="bob"), st.sampled_from(["x", "y"])),
    st.just(Said(frame=Interrupt(), by="ann")),
    st.builds(lambda n: ev.Taken(id=n), names),
    st.builds(lambda n: ev.Untaken(id=n), names),
    st.builds(lambda s: ev.TurnEnded(status=s), st.sampled_from(["ok", "failed"])),
    st.builds(lambda c, w: ev.Exited(code=c, wanted=w), st.sampled_from([None, 0, 1]), st.booleans()),
    st.builds(lambda m: ev.Ready(native="n", model=m), st.sampled_from(["x", "y"])),
    st.sampled_from([Opened(), Vanished()]),
)


def places(play: Play) -> dict[str, str]:
    """Where each message is, told from the records alone."""
    found: dict[str, str] = {}
    for entry in play.log:
        match entry.record:
            case rec.UserMessage(id=name) | rec.MessageReturned(id=name):
                found[name] = "waiting"
            case rec.MessageRemoved(id=name):
                assert found[name] == "waiting"
                found[name] = "removed"
            case rec.MessageSteered(id=name):
                assert found[name] == "waiting"
                found[name] = "steered"
            case rec.MessageSeen(id=name):
                assert found[name] in ("steered", "said")
                found[name] = "said"
            case rec.TurnStarted(messages=messages):
                assert all(found[name] in ("waiting", "steered") for name in messages)
                found |= {name: "said" if found[name] == "waiting" else "steered" for name in messages}
            case _:
                pass
    return found


@settings(max_examples=200, deadline=None)
@given(st.booleans(), st.lists(inputs, max_size=40), st.integers(0, 40))
def test_every_message_is_in_one_place_whatever_happens(per_message: bool, steps: list[Input], restart: int) -> None:
    able = replace(ABLE, per_message=per_message, steer=not per_message)
    play = Play(talk=fresh(capabilities=able)).open()
    for number, step in enumerate(steps):
        if number == restart:
            play.talk = replace(fresh(capabilities=able), state=play.folded().state)
        play.give(step)
    state, found = play.talk.state, places(play)
    assert {name for name, place in found.items() if place == "waiting"} == set(state.waiting)
    assert {name for name, place in found.items() if place == "steered"} == set(state.steered)
    said = [name for command in state.outstanding.values() if isinstance(command, ev.Say) for name, _ in command.messages]
    assert len(said) == len(set(said)), "no message is said twice to one run"
    assert play.folded().state == state
