"""Files of a session over HTTP: what people can do, and what nothing and nobody can."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.session_files import Asker, session
from volundr.broker.files import content, roots, tree
from volundr.broker.files.content import Condition
from volundr.domain.errors import Conflict, Forbidden, Invalid, NotFound


async def page(ask: Asker, path: str = "", **query: object) -> list[str]:
    return [entry["name"] for entry in (await ask.get("files", path=path, **query))["entries"]]


def test_a_folder_is_listed_folders_first_with_links_as_links(tmp_path: Path) -> None:
    async def run() -> None:
        async with session(tmp_path) as ask:
            (ask.workspace / "b.txt").write_text("four")
            (ask.workspace / "Zoo").mkdir()
            (ask.workspace / "a link").symlink_to("/etc/passwd")
            os.mkfifo(ask.workspace / "pipe")
            (ask.workspace / os.fsdecode(b"bad-\xff")).write_text("odd")
            listed = await ask.get("files")
            assert [(e["name"], e["kind"]) for e in listed["entries"]] == [
                ("Zoo", "folder"),
                ("a link", "link"),
                ("b.txt", "file"),
                ("bad-\uefff", "file"),
                ("pipe", "other"),
            ]
            assert listed["entries"][1]["target"] == "/etc/passwd"
            assert listed["entries"][2]["size"] == 4 and listed["next"] is None
            assert (await ask("GET", "files/content", path="bad-\uefff")).text == "odd"
            assert (await ask("GET", "files", path="nothing")).status_code == 404
            assert (await ask("GET", "files", path="b.txt")).status_code == 404
            assert (await ask("GET", "files", cursor="?")).status_code == 422

    asyncio.run(run())


def test_a_folder_of_ten_thousand_files_comes_in_pages_without_gap_or_double(tmp_path: Path) -> None:
    async def run() -> None:
        async with session(tmp_path) as ask:
            for number in range(10_000):
                (ask.workspace / f"file {number}").touch()
            names: list[str] = []
            cursor: str | None = ""
            while cursor is not None:
                listed = await ask.get("files", cursor=cursor, limit=3000)
                names += [entry["name"] for entry in listed["entries"]]
                cursor = listed["next"]
            assert len(names) == 10_000 and names == sorted(names)

    asyncio.run(run())


def test_a_file_is_read_whole_in_ranges_and_not_again_when_it_is_the_same(tmp_path: Path) -> None:
    async def run() -> None:
        async with session(tmp_path) as ask:
            (ask.workspace / "page.html").write_bytes(b"<script>0123456789</script>")
            whole = await ask("GET", "files/content", path="page.html")
            assert whole.content == b"<script>0123456789</script>"
            head = whole.headers
            assert head["content-length"] == "27" and head["content-type"] == "application/octet-stream"
            assert head["content-disposition"].startswith("attachment;") and head["x-content-type-options"] == "nosniff"
            assert "sandbox" in head["content-security-policy"]
            for wanted, status, body in [
                ("bytes=8-11", 206, b"0123"),
                ("bytes=-4", 206, b"ipt>"),
                ("bytes=20-900", 206, whole.content[20:]),
                ("bytes=0-", 206, whole.content),
                ("bytes=40-", 416, b""),
                ("lines=1-2", 200, whole.content),
                ("bytes=0-1,4-5", 200, whole.content),
            ]:
                part = await ask("GET", "files/content", None, {"range": wanted}, path="page.html")
                assert (part.status_code, part.content) == (status, body), wanted
            same = await ask("GET", "files/content", None, {"if-none-match": head["etag"]}, path="page.html")
            assert same.status_code == 304 and same.content == b""

    asyncio.run(run())


HOSTILE = ("../secret /etc/passwd a/../../secret ./a a//b a\0b .. out/secret out up device loop " + "x" * 5000).split(" ")


def test_no_path_leaves_the_workspace(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")

    async def run() -> None:
        async with session(tmp_path) as ask:
            (ask.workspace / "a").mkdir()
            (ask.workspace / "out").symlink_to(tmp_path)
            (ask.workspace / "up").symlink_to("../secret")
            (ask.workspace / "device").symlink_to("/dev/zero")
            (ask.workspace / "loop").symlink_to("loop")
            before = sorted(tmp_path.iterdir())
            for path in HOSTILE:
                answers = [
                    await ask("GET", "files/content", path=path),
                    await ask("GET", "files", path=path),
                    await ask("PUT", "files/content", b"mine", path=path),
                    await ask("POST", "files/folder", {"path": path}),
                    await ask("POST", "files/folder", {"path": f"{path}/new"}),
                ]
                assert all(answer.status_code in {403, 404, 409, 422} for answer in answers), (path, answers)
                assert all("detail" in answer.json() for answer in answers)
            assert sorted(tmp_path.iterdir()) == before and (tmp_path / "secret").read_text() == "secret"

    asyncio.run(run())


def test_a_link_that_stays_inside_is_followed_wherever_it_goes(tmp_path: Path) -> None:
    async def run() -> None:
        async with session(tmp_path) as ask:
            deep = ask.workspace / "a" / "b"
            deep.mkdir(parents=True)
            (ask.workspace / "a" / "text").write_text("old")
            (deep / "up").symlink_to("../text")
            (ask.workspace / "absolute").symlink_to(deep)
            (ask.workspace / "again").symlink_to("absolute/../b/")
            assert (await ask("GET", "files/content", path="again/up")).text == "old"
            assert await page(ask, "again") == ["up"]
            assert (await ask("PUT", "files/content", b"new", path="absolute/up")).status_code == 200
            assert (ask.workspace / "a" / "text").read_text() == "new" and (deep / "up").is_symlink()

    asyncio.run(run())


def test_devices_pipes_and_sockets_are_not_opened(tmp_path: Path) -> None:
    async def run() -> None:
        async with session(tmp_path) as ask:
            os.mkfifo(ask.workspace / "pipe")
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(str(ask.workspace / "socket"))
                for path in ("pipe", "socket", ""):
                    async with asyncio.timeout(5):
                        read = await ask("GET", "files/content", path=path)
                        written = await ask("PUT", "files/content", b"x", path=path)
                    assert (read.status_code, written.status_code) == (422, 422)
            assert sorted(p.name for p in ask.workspace.iterdir()) == ["pipe", "socket"]

    asyncio.run(run())


def test_a_write_replaces_the_file_at_once_keeps_its_mode_and_notices_others(tmp_path: Path) -> None:
    async def run() -> None:
        async with session(tmp_path) as ask:
            new = {"if-none-match": "*"}
            made = await ask("PUT", "files/content", b"one", new, path="run.sh")
            assert made.status_code == 200 and made.json()["size"] == 3
            assert (await ask("PUT", "files/content", b"two", new, path="run.sh")).status_code == 409
            (ask.workspace / "run.sh").chmod(0o751)
            match = {"if-match": f'"{made.json()["revision"]}"'}
            second = await ask("PUT", "files/content", b"two!", match, path="run.sh")
            assert second.status_code == 200 and (ask.workspace / "run.sh").stat().st_mode & 0o7777 == 0o751
            third = await ask("PUT", "files/content", b"three", match, path="run.sh")
            assert third.status_code == 409 and third.json()["hint"]
            assert (ask.workspace / "run.sh").read_text() == "two!"
            head = (await ask("GET", "files/content", path="run.sh")).headers
            assert head["etag"] == f'"{second.json()["revision"]}"'
            assert (await ask("PUT", "files/content", b"over", path="run.sh")).status_code == 200
            (ask.workspace / "run.sh").unlink()
            assert (await ask("PUT", "files/content", b"x", {"if-match": "*"}, path="run.sh")).status_code == 409
            assert (await ask("PUT", "files/content", b"x", path="no/such/folder")).status_code == 404
            assert list(ask.workspace.iterdir()) == []

    asyncio.run(run())


def test_of_ten_who_replace_one_revision_one_wins(tmp_path: Path) -> None:
    async def run() -> None:
        async with session(tmp_path) as ask:
            made = (await ask("PUT", "files/content", b"first", path="a")).json()
            match = {"if-match": made["revision"]}
            writes = [ask("PUT", "files/content", b"%d" % n * (n + 6), match, path="a") for n in range(10)]
            answers = await asyncio.gather(*writes)
            assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
            assert [p.name for p in ask.workspace.iterdir()] == ["a"]

    asyncio.run(run())


def test_a_large_file_is_streamed_both_ways(tmp_path: Path) -> None:
    piece, count = os.urandom(1 << 20), 80

    async def body() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield piece

    async def run() -> None:
        async with session(tmp_path) as ask:
            made = await ask("PUT", "files/content", body(), {"content-length": str(count << 20)}, path="large")
            assert made.json()["size"] == count << 20
            size = 0
            url = f"/s/{ask.session}/files/content?path=large"
            async with ask.http.stream("GET", url, headers=ask.ticket()) as answer:
                async for part in answer.aiter_bytes():
                    size += len(part)
            assert size == count << 20

    asyncio.run(run())


def test_an_upload_that_is_cut_leaves_nothing(tmp_path: Path) -> None:
    started = asyncio.Event()

    async def body(ask: Asker) -> AsyncIterator[bytes]:
        yield b"x" * (3 << 20)
        async with asyncio.timeout(10):
            while not [p for p in ask.workspace.glob(".volundr-*") if p.stat().st_size]:
                await asyncio.sleep(0.005)
        started.set()
        raise ConnectionError("the browser was closed")

    async def run() -> None:
        async with session(tmp_path) as ask:
            (ask.workspace / "kept").write_text("old")
            with pytest.raises((ConnectionError, httpx.HTTPError)):
                await ask("PUT", "files/content", body(ask), {"content-length": str(9 << 20)}, path="kept")
            assert started.is_set()
            async with asyncio.timeout(10):
                while len(list(ask.workspace.iterdir())) > 1:
                    await asyncio.sleep(0.005)
            assert (ask.workspace / "kept").read_text() == "old"

    asyncio.run(run())


def test_folders_are_made_renamed_and_deleted_and_nothing_is_overwritten(tmp_path: Path) -> None:
    async def run() -> None:
        async with session(tmp_path) as ask:
            assert (await ask("POST", "files/folder", {"path": "a/b"})).json()["kind"] == "folder"
            assert (await ask("POST", "files/folder", {"path": "a/b"})).status_code == 409
            (ask.workspace / "one").write_text("1")
            (ask.workspace / "two").write_text("2")
            (ask.workspace / "link").symlink_to("a")
            assert (await ask("POST", "files/rename", {"path": "one", "to": "two"})).status_code == 409
            assert (await ask("POST", "files/rename", {"path": "one", "to": "a/b/one"})).json()["path"] == "a/b/one"
            assert (await ask("POST", "files/rename", {"path": "a", "to": "a/b/c"})).status_code == 422
            assert (await ask("POST", "files/rename", {"path": "none", "to": "x"})).status_code == 404
            assert (await ask("POST", "files/rename", {"path": "two", "to": "two", "more": 1})).status_code == 422
            assert (await ask("DELETE", "files", path="link", recursive=True)).status_code == 204
            assert (ask.workspace / "a" / "b" / "one").read_text() == "1"
            assert (await ask("DELETE", "files", path="a")).status_code == 409
            (ask.workspace / "a" / "out").symlink_to(tmp_path / "home")
            (tmp_path / "home" / "kept").touch()
            assert (await ask("DELETE", "files", path="a", recursive=True)).status_code == 204
            assert (await ask("DELETE", "files", path="", recursive=True)).status_code == 422
            assert await page(ask) == ["two"] and (tmp_path / "home" / "kept").exists()

    asyncio.run(run())


def test_the_home_is_a_root_of_its_own_and_only_where_it_is_offered(tmp_path: Path) -> None:
    async def run(allowed: bool) -> tuple[int, str]:
        async with session(tmp_path / str(allowed), home_allowed=allowed) as ask:
            answer = await ask("PUT", "files/content", b"x", root="home", path="x")
            assert await page(ask) == []
            return answer.status_code, answer.text

    for name in ("True", "False"):
        (tmp_path / name).mkdir()
    assert asyncio.run(run(True))[0] == 200 and (tmp_path / "True/home/x").exists()
    status, text = asyncio.run(run(False))
    assert status == 403 and "home" in text


def test_nobody_comes_in_without_a_ticket_or_with_one_twice(tmp_path: Path) -> None:
    async def run() -> None:
        async with session(tmp_path) as ask:
            assert (await ask.http.get(f"/s/{ask.session}/files")).status_code == 403
            ticket = ask.ticket()
            assert (await ask.http.get(f"/s/{ask.session}/files", headers=ticket)).status_code == 200
            assert (await ask.http.get(f"/s/{ask.session}/files", headers=ticket)).status_code == 403

    asyncio.run(run())


def test_a_folder_that_turns_into_a_link_at_any_moment_leads_nowhere(tmp_path: Path) -> None:
    """Somebody swaps a folder and a link to the outside as fast as they can, while files are read and written."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "real").mkdir(parents=True)
    outside.mkdir()
    (root / "real" / "file").write_text("inside")
    (outside / "file").write_text("outside")
    (root / "link").symlink_to(outside)

    async def swap(stop: asyncio.Event) -> None:
        while not stop.is_set():
            await asyncio.to_thread(_swap, root)

    async def run() -> None:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(swap(stop))
            for _ in range(400):
                try:
                    with (await asyncio.to_thread(content.open_file, root, "place/file")).file as file:
                        assert file.read() == b"inside"
                    await content.write(root, "place/file", _body(b"inside"), Condition())
                except (NotFound, Conflict, Forbidden, Invalid):
                    continue
            stop.set()
        assert (outside / "file").read_text() == "outside" and len(list(outside.iterdir())) == 1

    asyncio.run(run())


def _swap(root: Path) -> None:
    for name in ("real", "link"):
        (root / name).rename(root / "place")
        (root / "place").rename(root / name)


async def _body(data: bytes) -> AsyncIterator[bytes]:
    yield data


def test_too_much_is_said_and_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with pytest.raises(Invalid, match="too large"):
        asyncio.run(content.write(tmp_path, "a", _body(b"x" * 2000), Condition(), 1000))
    assert [p.name for p in tmp_path.iterdir()] == ["a"] and (tmp_path / "a").read_text() == "old"


def test_a_write_that_is_given_up_at_any_moment_leaves_no_half_of_it(tmp_path: Path) -> None:
    """As when Skuld ends in the middle of uploads: what a thread does meanwhile is undone, or done as a whole."""
    before = len(os.listdir("/proc/self/fd"))

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * (1 << 20)

    async def run() -> None:
        for number in range(60):
            try:
                async with asyncio.timeout(number / 2000):
                    await content.write(tmp_path, "a", slow(), Condition(new=True))
            except TimeoutError:
                pass
            assert [(left.name, left.stat().st_size) for left in tmp_path.iterdir()] in ([], [("a", 20 << 20)])
            (tmp_path / "a").unlink(missing_ok=True)

    asyncio.run(run())
    assert list(tmp_path.iterdir()) == [] and len(os.listdir("/proc/self/fd")) == before


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "out").symlink_to("../..")
    before = len(os.listdir("/proc/self/fd"))
    for path in ("a/b", "a/out/x", "a/none/x", "a/out"):
        with pytest.raises((NotFound, Forbidden, Invalid)):
            content.open_file(tmp_path, path)
    asyncio.run(content.write(tmp_path, "a/b/c", _body(b"x"), Condition()))
    tree.listing(tmp_path, "a")
    with roots.place(tmp_path, "a/b/c") as at:
        assert at.find() is not None
    assert len(os.listdir("/proc/self/fd")) == before
