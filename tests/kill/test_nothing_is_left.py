"""After a stop nothing of the agent is alive, whatever it did to get away; and nobody else's process is touched."""

import os
import subprocess
import time

import pytest

from tests.e2e.forge import Forge, wait_for
from tests.kill.watch import agent_pid, alive, asked, attached, turn_end, with_words

pytestmark = pytest.mark.e2e

RUNAWAYS = (
    "setsid sleep {n} >/dev/null 2>&1 &",
    "(setsid sh -c 'sleep {n} & exit' >/dev/null 2>&1 &);",
    "nohup sleep {n} >/dev/null 2>&1 &",
    "(cd / && env -i setsid sleep {n} >/dev/null 2>&1 &);",
    "sh -c 'trap \"\" TERM INT HUP; sleep {n} & while :; do wait; done' >/dev/null 2>&1 &",
)


@pytest.mark.parametrize("way", ["stop", "delete", "down"])
def test_what_the_agent_left_behind_ends_with_it(forge: Forge, agent: str, way: str) -> None:
    number = str(700_000 + os.getpid())
    stranger = subprocess.Popen(["sleep", number], start_new_session=True)
    try:
        session = forge.session("runaways", agent=agent)
        with attached(forge, session) as chat:
            chat.say("{{bash: " + " ".join(RUNAWAYS).replace("{n}", number) + " echo left}}")
            chat.decide(asked(chat)["id"])
            assert turn_end(chat, 1)["status"] == "ok"
            wait_for("all that the command leaves", lambda: len(with_words("sleep", number)) > len(RUNAWAYS))
            cli = agent_pid(forge, agent)
        begun = time.monotonic()
        if way == "stop":
            forge.api("POST", f"/sessions/{session['id']}/stop")
            forge.until(session["id"], "stopped")
        elif way == "delete":
            forge.api("DELETE", f"/sessions/{session['id']}")
        else:
            forge.down()
        wait_for("the tree to be gone", lambda: not with_words("sleep", number) - {stranger.pid} and not alive(cli), 15)
        assert time.monotonic() - begun < 15
        assert stranger.poll() is None, "a stranger's process was ended"
        assert with_words("sleep", number) == {stranger.pid}
    finally:
        stranger.kill()
        stranger.wait()
