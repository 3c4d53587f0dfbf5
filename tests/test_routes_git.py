"""History, state, names and the agent's log over HTTP; and that a program we run is always ended."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.repositories import commit, git
from tests.session_files import ROUTERS, Asker, session
from volundr.broker.commits import LONGEST_BODY
from volundr.broker.programs import Program, read
from volundr.broker.routes.entry import broker_of
from volundr.domain.errors import NotFound, Unavailable


def shown(tmp_path: Path, check: Callable[[Asker], Awaitable[None]]) -> None:
    async def run() -> None:
        async with session(tmp_path) as ask:
            await check(ask)

    asyncio.run(run())


def test_history_comes_in_pages_that_stay_put_when_there_are_new_commits(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "-q", "-b", "main")
    (work / "sub").mkdir()
    hashes = [commit(work, f"sub/{number}" if number % 2 else f"{number}") for number in range(7)]
    git(work, "commit", "-q", "--allow-empty", "-m", "Sübject\n\nBody\nof two lines\x1f" + "x" * 5000)

    async def check(ask: Asker) -> None:
        first = await ask.get("git/log", limit=3)
        top = first["items"][0]
        assert top["subject"] == "Sübject" and top["body"].startswith("Body\nof two lines") and len(top["body"]) == LONGEST_BODY
        assert top["author"] == "T" and top["at"][4] == "-" and top["commit"].startswith(top["short"])
        commit(work, "later")
        rest = await ask.get("git/log", cursor=first["next"], limit=5)
        seen = [one["commit"] for one in [*first["items"], *rest["items"]]]
        assert seen[1:] == hashes[::-1] and rest["next"] is None
        sub = await ask.get("git/log", path="sub")
        assert [one["subject"] for one in sub["items"]] == ["sub/5", "sub/3", "sub/1"]
        assert (await ask.get("git/log", path="--all"))["items"] == []
        for bad in ({"cursor": "--all.1"}, {"cursor": "x"}, {"path": "../.."}, {"path": "/etc"}, {"limit": 0}):
            assert (await ask("GET", "git/log", **bad)).status_code == 422, bad

    shown(tmp_path, check)


def test_a_workspace_says_where_it_stands(tmp_path: Path) -> None:
    origin, work = tmp_path / "origin", tmp_path / "work"
    origin.mkdir()

    async def check(ask: Asker) -> None:
        empty = {"branch": None, "commit": None, "upstream": None, "ahead": None, "behind": None, "dirty": False}
        assert await ask.get("git/state") == {"repository": False} | empty
        assert await ask.get("git/refs") == {"branches": [], "tags": [], "default": None, "truncated": False}
        assert await ask.get("git/log") == {"items": [], "next": None}
        git(origin, "init", "-q", "-b", "trunk")
        assert await asyncio.to_thread(commit, origin, "a")
        work.rmdir()
        git(tmp_path, "clone", "-q", str(origin), "work")
        head = commit(work, "b")
        commit(origin, "c")
        git(work, "fetch", "-q")
        git(work, "branch", "feature/ünï")
        git(work, "tag", "v1")
        assert await ask.get("git/state") == {
            "repository": True,
            "branch": "trunk",
            "commit": head,
            "upstream": "origin/trunk",
            "ahead": 1,
            "behind": 1,
            "dirty": False,
        }
        names = await ask.get("git/refs")
        assert set(names["branches"]) == {"trunk", "feature/ünï", "origin/trunk"} and names["tags"] == ["v1"]
        assert names["default"] == "origin/trunk" and not names["truncated"]
        for name in names["branches"]:
            assert (await ask.get("changes", against=name))["base"]["ref"] == name
        (work / "new").touch()
        git(work, "checkout", "-q", "--detach")
        state = await ask.get("git/state")
        assert (state["branch"], state["dirty"], state["upstream"]) == (None, True, None)

    shown(tmp_path, check)


def test_a_repository_before_its_first_commit_has_a_branch_and_no_history(tmp_path: Path) -> None:
    async def check(ask: Asker) -> None:
        git(ask.workspace, "init", "-q", "-b", "main")
        state = await ask.get("git/state")
        assert (state["repository"], state["branch"], state["commit"], state["dirty"]) == (True, "main", None, False)
        assert (await ask.get("git/log"))["items"] == [] and (await ask.get("git/refs"))["default"] is None

    shown(tmp_path, check)


def test_ten_thousand_branches_are_cut_to_what_people_can_look_through(tmp_path: Path) -> None:
    async def check(ask: Asker) -> None:
        git(ask.workspace, "init", "-q", "-b", "main")
        head = commit(ask.workspace, "a")
        packed = "".join(f"{head} refs/heads/branch-{number:05}\n" for number in range(10_000))
        (ask.workspace / ".git" / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted \n{packed}")
        names = await ask.get("git/refs")
        assert len(names["branches"]) == 2000 and names["truncated"] and names["default"] == "main"

    shown(tmp_path, check)


def test_the_log_of_the_agent_is_told(tmp_path: Path) -> None:
    async def check(ask: Asker) -> None:
        answer = await ask.get("logs", lines=10)
        assert isinstance(answer["lines"], list)
        assert (await ask("GET", "logs", lines=-1)).status_code == 422

    shown(tmp_path, check)


def test_every_route_asks_for_a_ticket() -> None:
    def calls(dependant: object) -> set[object]:
        inner = getattr(dependant, "dependencies", ())
        return {getattr(dependant, "call", None)}.union(*map(calls, inner))

    routes = [route for router in ROUTERS for route in router.routes]
    assert len(routes) >= 13
    assert [route for route in routes if broker_of not in calls(getattr(route, "dependant", None))] == []


def program(folder: Path, text: str, stdin: bytes = b"") -> Program:
    return Program(argv=[sys.executable, "-c", text], folder=folder, env={"PATH": os.environ["PATH"]}, stdin=stdin)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("enough", [True, False])
def test_a_program_that_goes_on_for_ever_is_ended_with_its_children(tmp_path: Path, enough: bool) -> None:
    text = "import subprocess,sys,time; p=subprocess.Popen(['sleep','600']); print(p.pid,flush=True); time.sleep(600)"
    heard: list[bytes] = []

    def take(piece: bytes) -> bool:
        heard.append(piece)
        return not enough

    async def run() -> None:
        ended = await read(program(tmp_path, text), take, 2 if not enough else 30)
        assert ended.code is None and ended.in_time is enough
        async with asyncio.timeout(5):
            while alive(int(heard[0])):
                await asyncio.sleep(0.01)

    asyncio.run(run())


def test_a_program_gets_its_input_whether_it_reads_it_or_not_and_says_what_went_wrong(tmp_path: Path) -> None:
    async def run() -> None:
        heard = bytearray()

        def hear(piece: bytes) -> bool:
            heard.extend(piece)
            return True

        large = b"x" * (1 << 20)
        copy = "import sys,shutil; shutil.copyfileobj(sys.stdin.buffer,sys.stdout.buffer); "
        copy += "sys.stderr.write('e'*100000+'end'); sys.exit(3)"
        ended = await read(program(tmp_path, copy, large), hear, 30)
        assert heard == large and ended.code == 3 and ended.said.endswith("end") and len(ended.said) < 20_000
        assert (await read(program(tmp_path, "pass", large), lambda piece: True, 30)).code == 0
        with pytest.raises(Unavailable, match="not installed"):
            await read(Program(argv=["no-such-program"], folder=tmp_path, env={}), lambda piece: True, 5)
        with pytest.raises(NotFound):
            await read(program(tmp_path / "gone", "pass"), lambda piece: True, 5)

    asyncio.run(run())
