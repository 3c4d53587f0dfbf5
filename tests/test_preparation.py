"""A workspace is set up before its agent first starts: clones, scripts, and the first words of the conversation."""

import asyncio
import json
import os
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.skuld_kit import Rig, World, skuld, until
from volundr.broker.conversation import INITIAL_PROMPT
from volundr.broker.events import Ready, Say, TextDone, TurnEnded
from volundr.broker.parts import Capabilities
from volundr.broker.preparation import Preparation
from volundr.domain.sessions.spec import Repository, SessionSpec

type Story = Callable[[Rig], Awaitable[None]]

ENV = {"PATH": "/usr/bin:/bin", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}


def play(home: Path, story: Story, world: World | None = None, **more: Any) -> None:
    async def told() -> None:
        async with skuld(home, world, **more) as rig:
            await story(rig)

    asyncio.run(told())


def origin(folder: Path, name: str, branch: str = "main") -> str:
    """A bare repository with one file, named after it."""
    work = folder / f"{name}.work"
    work.mkdir()
    (work / f"{name}.txt").write_text(name)

    def git(*argv: str) -> None:
        who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        subprocess.run(["git", *who, *argv], cwd=work, env=ENV, check=True, capture_output=True)

    git("init", "-q", "-b", branch)
    git("add", ".")
    git("commit", "-qm", "first")
    git("clone", "-q", "--bare", ".", str(folder / f"{name}.git"))
    return f"file://{folder}/{name}.git"


def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


async def begin(rig: Rig, folder: Path, **more: Any) -> str:
    """A session that is being set up."""
    spec = {"session_id": "s1", "name": "t", "agent": "scripted", "workspace": str(folder), "secret": "s3", "env": ENV}
    await rig.skuld.manager.start(SessionSpec(**(spec | more)))
    return "s1"


async def ready(rig: Rig) -> None:
    await until(lambda: bool(rig.world.processes.get("s1")), 15)


def test_repositories_and_scripts_are_done_in_order_before_the_agent_starts(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    repositories = (
        Repository(url=origin(tmp_path, "docs"), path="docs"),
        Repository(url=origin(tmp_path, "lib", "stable"), path="vendor/lib", branch="stable"),
    )
    setup = ("cat docs/docs.txt vendor/lib/lib.txt > made; echo done one\nsleep 100 &", 'echo "says $NAME" >> made')

    async def story(rig: Rig) -> None:
        name = await begin(rig, folder, repositories=repositories, setup=setup, env=ENV | {"NAME": "two"})
        health = rig.skuld.manager.health(name)
        assert (health.state, health.busy) == ("starting", True)
        await ready(rig)
        assert (folder / "made").read_text() == "docslibsays two\n"
        lines = rig.skuld.manager.lines(name, 100)
        assert [line for line in lines if line.startswith("Setting up")] == [
            "Setting up: 1 of 4, cloning docs",
            "Setting up: 2 of 4, cloning vendor/lib",
            "Setting up: 3 of 4, setup script 1",
            "Setting up: 4 of 4, setup script 2",
        ]
        assert "done one" in lines
        assert {path.name for path in folder.iterdir()} == {"docs", "vendor", "made"}
        kept = json.loads((tmp_path / "sessions/s1/setup.json").read_text())
        assert kept["complete"]
        await rig.skuld.manager.stop(name)
        (folder / "made").unlink()
        await begin(rig, folder, repositories=repositories, setup=(*setup, "echo new"))
        await until(lambda: len(rig.world.processes["s1"]) == 2)
        assert not (folder / "made").exists()  # it is set up once and for all

    play(tmp_path, story)


def test_a_script_that_fails_fails_the_session_and_is_tried_again_where_it_was(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    setup = ("echo one >> count", "echo trying; test -e mended || { echo 'no luck' >&2; exit 7; }; echo two >> count")

    async def story(rig: Rig) -> None:
        manager = rig.skuld.manager
        name = await begin(rig, folder, setup=setup)
        await until(lambda: manager.health(name).state == "failed")
        health = manager.health(name)
        assert health.error == "Setup script 2 failed: it ended with exit code 7."
        assert "start the session again" in health.hint
        assert manager.lines(name, 3) == ["Setting up: 2 of 2, setup script 2", "trying", "no luck"]
        assert not rig.world.processes
        await begin(rig, folder, setup=setup)
        await until(lambda: manager.health(name).state == "failed")
        (folder / "mended").touch()
        await manager.stop(name)  # also after it was stopped meanwhile
        await begin(rig, folder, setup=setup)
        await ready(rig)
        assert (folder / "count").read_text() == "one\ntwo\n"
        assert "no luck" in manager.lines(name, 100)

    play(tmp_path, story)


def test_what_cannot_be_cloned_says_why(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    (folder / "full").mkdir()
    (folder / "full/mine").touch()
    (folder / "way").symlink_to("/tmp")
    url = origin(tmp_path, "docs")

    async def failing(rig: Rig, path: str, url: str) -> str:
        manager = rig.skuld.manager
        name = await begin(rig, folder, repositories=(Repository(url=url, path=path),))
        await until(lambda: manager.health(name).state == "failed")
        error = manager.health(name).error
        await manager.delete(name)
        return error

    async def story(rig: Rig) -> None:
        assert "of that name" in await failing(rig, "full", url)
        assert "out of the workspace" in await failing(rig, "way/out", url)
        assert "cannot be cloned to '../out'" in await failing(rig, "../out", url)
        assert "cannot be cloned to '.git/hooks'" in await failing(rig, ".git/hooks", url)
        assert "git ended with code 128" in await failing(rig, "docs", f"file://{tmp_path}/nothing.git")
        assert {path.name for path in folder.iterdir()} == {"full", "way"}
        assert [path.name for path in (folder / "full").iterdir()] == ["mine"]

    play(tmp_path, story)


def test_a_skuld_that_ends_in_the_middle_goes_on_with_the_step_it_was_in(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    setup = ("echo one >> count", "echo begun >> count; test -e go || exec sleep 600")
    world = World()

    async def first(rig: Rig) -> None:
        await begin(rig, folder, setup=setup, repositories=(Repository(url=origin(tmp_path, "docs"), path="docs"),))
        await until(lambda: (folder / "count").exists() and "begun" in (folder / "count").read_text())

    async def second(rig: Rig) -> None:
        await ready(rig)
        assert (folder / "count").read_text() == "one\nbegun\nbegun\n"
        assert rig.skuld.manager.lines("s1", 100)[0] == "Setting up: 1 of 3, cloning docs"

    play(tmp_path, first, world)
    (folder / "go").touch()
    play(tmp_path, second, world)


def test_a_mark_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "setup.json").write_text("not JSON")
    assert Preparation.read(SessionSpec(session_id="s1", name="t", agent="demo", setup=("true",)), tmp_path).state == "due"


def test_a_script_has_a_time_limit_and_can_be_stopped(tmp_path: Path) -> None:
    folder = workspace(tmp_path)

    async def story(rig: Rig) -> None:
        manager = rig.skuld.manager
        name = await begin(rig, folder, setup=("echo $$ > pid; exec sleep 600",))
        await until(lambda: manager.health(name).state == "failed")
        assert "not done within" in manager.health(name).error
        pid = int((folder / "pid").read_text())
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    async def stopped(rig: Rig) -> None:
        await begin(rig, folder, session_id="s2", setup=("echo $$ > other; exec sleep 600",))
        await until(lambda: (folder / "other").exists() and bool((folder / "other").read_text()))
        await rig.skuld.manager.stop("s2")
        with pytest.raises(ProcessLookupError):
            os.kill(int((folder / "other").read_text()), 0)

    play(tmp_path, story, setup_seconds=0.5)
    play(tmp_path, stopped)


def test_the_initial_prompt_is_the_first_message_and_said_once(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    world = World()

    async def first(rig: Rig) -> None:
        await begin(rig, folder, initial_prompt="Look around.", setup=("true",))
        await ready(rig)
        process = world.of("s1")
        process.say(Ready(native="n1"))
        await until(lambda: bool(process.told))
        assert list(process.told.values()) == [Say(messages=((INITIAL_PROMPT, "Look around."),))]
        async with rig.client("s1") as ann:
            found = await ann.wait("user_message", id=INITIAL_PROMPT)
            assert (found["text"], found["by"], found["seq"]) == ("Look around.", "initial prompt", 1)

    async def second(rig: Rig) -> None:
        process = world.of("s1")
        process.say(TextDone(id="a", block=0, kind="text", text="I did."))
        process.say(TurnEnded(status="ok"))
        await until(lambda: rig.skuld.manager.find("s1").journal.conversation.state.activity.state == "idle")
        await rig.skuld.manager.stop("s1")
        await begin(rig, folder, initial_prompt="Look around.", setup=("true",))
        await until(lambda: len(world.processes["s1"]) == 2)
        world.of("s1").say(Ready(native="n1"))
        async with rig.client("s1") as ann:
            await ann.send(type="send", id="m1", text="And now?")
            await ann.wait("stored", id="m1")
        await until(lambda: bool(world.of("s1").told))
        assert list(world.of("s1").told.values()) == [Say(messages=(("m1", "And now?"),))]

    play(tmp_path, first, world)
    play(tmp_path, second, world)


def test_an_agent_started_for_each_message_gets_the_initial_prompt_too(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.agent.capabilities = Capabilities(per_message=True)
        await begin(rig, tmp_path, initial_prompt="Look around.", transport="per_message")
        await ready(rig)
        await until(lambda: bool(rig.world.of("s1").told))
        assert list(rig.world.of("s1").told.values()) == [Say(messages=((INITIAL_PROMPT, "Look around."),))]

    play(tmp_path, story)


def test_a_fork_works_in_a_workspace_that_is_set_up(tmp_path: Path) -> None:
    spec = SessionSpec(session_id="s1", name="t", agent="demo", setup=("true",), fork_of="s0")
    assert Preparation.read(spec, tmp_path).state == "done"
