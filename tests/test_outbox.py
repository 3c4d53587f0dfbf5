"""The outbox: each thing is told once, whoever dies meanwhile, and nobody waits for it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.skuld_kit import until
from volundr.broker.codec import Entry, encode_entry
from volundr.broker.leftovers import deliver_leftovers, sweep
from volundr.broker.log import Log
from volundr.broker.outbox import Outbox, load, report_url
from volundr.broker.parts import Usage
from volundr.broker.records import (
    AgentMessage,
    Forked,
    Record,
    TurnFinished,
    TurnStarted,
    UserMessage,
)
from volundr.process import Tasks


@dataclass
class Forge:
    """Takes reports over real HTTP as the forge does: an item it knows is counted once. `silent` ones are taken unanswered."""

    status: int = 204
    silent: int = 0
    port: int = 0
    calls: int = 0
    known: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict)
    stories: list[dict[str, Any]] = field(default_factory=list)
    poison: str = ""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length"))
            body = json.loads(await reader.readexactly(length))
            self.calls += 1
            status = 422 if self.poison and self.poison in json.dumps(body) else self.status
            if status < 300:
                for item in body["items"]:
                    self.known.setdefault((item["type"], body["epoch"], item["seq"], item.get("model")), item)
                self.stories += [item for item in body["items"] if item["type"] == "chronicle"]
            if self.silent > 0:
                self.silent -= 1
                return
            writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
            await writer.drain()
        finally:
            writer.close()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.take, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield f"http://127.0.0.1:{self.port}/api/v1/sessions/x/activity"

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [item for key, item in self.known.items() if key[0] == kind]

    def output(self) -> int:
        return sum(item["output"] for item in self.of("usage"))


def put(log: Log, *records: Record) -> list[Entry]:
    first = log.last_seq + 1
    entries = [Entry(first + n, f"2026-01-01T00:00:{(first + n) % 60:02}.000Z", 0, one) for n, one in enumerate(records)]
    log.append([encode_entry(entry) for entry in entries])
    return entries


def turn(number: int, output: int = 1) -> Sequence[Record]:
    return (
        UserMessage(id=f"m{number}", text=f"do {number}"),
        TurnStarted(turn=number, messages=[f"m{number}"]),
        AgentMessage(id=f"a{number}", block=0, kind="text", text=f"did {number}"),
        TurnFinished(turn=number, status="ok", usage=(Usage(model="big", input=10, output=output, cost_usd=0.5),)),
    )


def opened(folder: Path, boot: str = "one") -> Log:
    return Log.open(folder, boot)


def test_a_turns_end_is_told_at_once_and_once(tmp_path: Path) -> None:
    async def story() -> None:
        forge, tasks, log = Forge(), Tasks(), opened(tmp_path)
        async with forge.open() as url:
            box = Outbox(tmp_path, log, url, "secret")
            tasks.spawn(box.run(), name="outbox")
            for number in range(1, 4):
                for entry in put(log, *turn(number, output=number)):
                    box.note(entry)
                await until(lambda n=number: len(forge.of("usage")) == n)  # type: ignore[misc]
            assert forge.output() == 1 + 2 + 3
            assert [item["title"] for item in forge.of("timeline")] == ["do 1", "did 1", "do 2", "did 2", "do 3", "did 3"]
            assert await box.flush(3)
            calls = forge.calls
            assert await box.flush(3)
            assert forge.calls == calls
        await tasks.close()
        assert load(tmp_path / "outbox").seq == log.last_seq
        assert (tmp_path / "outbox" / "cursor.json").stat().st_mode & 0o077 == 0
        log.close()

    asyncio.run(story())


def test_what_was_taken_but_not_answered_counts_once(tmp_path: Path) -> None:
    async def story() -> None:
        forge, log = Forge(silent=1), opened(tmp_path)
        put(log, *turn(1), *turn(2))
        async with forge.open() as url:
            box = Outbox(tmp_path, log, url, "secret")
            assert not await box.flush(3)
            assert await Outbox(tmp_path, log, url, "secret").flush(3)  # as after kill -9: another one goes on from the disk
            assert forge.calls == 2
        assert forge.output() == 2
        log.close()

    asyncio.run(story())


def test_killed_after_any_record_the_sums_are_the_same(tmp_path: Path) -> None:
    async def story() -> None:
        forge, records = Forge(), [record for number in range(1, 9) for record in turn(number, output=number)]
        async with forge.open() as url:
            for number, record in enumerate(records):
                log = opened(tmp_path)
                put(log, record)
                forge.silent = number % 3 == 0
                await Outbox(tmp_path, log, url, "secret").flush(3)
                log.release()  # not closed by its owner, as when it is killed
            log = opened(tmp_path)
            assert await Outbox(tmp_path, log, url, "secret").flush(3)
            log.close()
        assert forge.output() == sum(range(1, 9))
        assert len(forge.of("timeline")) == 16
        assert forge.stories[-1]["messages"] == 16
        assert forge.stories[-1]["duration_seconds"] == 2.0 * 8

    asyncio.run(story())


def test_after_a_lost_tail_what_is_left_is_not_counted_again(tmp_path: Path) -> None:
    async def story() -> None:
        forge = Forge()
        async with forge.open() as url:
            log = opened(tmp_path, "one")
            put(log, *turn(1, output=5))
            forge.silent = 1  # the forge has it, we do not know
            assert not await Outbox(tmp_path, log, url, "secret").flush(3)
            put(log, *turn(2, output=7))
            log.release()
            with (tmp_path / "log.ndjson").open("r+b") as file:
                file.truncate(file.seek(0, 2) - 20)  # the machine lost power: another boot, and the last batch is torn
            log = opened(tmp_path, "two")
            assert log.last_seq == 4
            box = Outbox(tmp_path, log, url, "secret")
            put(log, *turn(2, output=11))
            assert await box.flush(3)
            log.close()
        assert forge.output() == 5 + 11
        assert len({key[1] for key in forge.known}) == 2

    asyncio.run(story())


def test_what_was_copied_from_another_session_is_not_ours_to_report(tmp_path: Path) -> None:
    async def story() -> None:
        forge, log = Forge(), opened(tmp_path)
        put(log, *turn(1, output=100), Forked(session="other", name="other"), *turn(2, output=3))
        async with forge.open() as url:
            assert await Outbox(tmp_path, log, url, "secret").flush(3)
        assert forge.output() == 3
        log.close()

    asyncio.run(story())


def test_a_forge_that_is_away_delays_nothing_but_the_report(tmp_path: Path) -> None:
    async def story() -> None:
        forge, tasks, log = Forge(), Tasks(), opened(tmp_path)
        async with forge.open() as url:
            pass
        box = Outbox(tmp_path, log, url, "secret")
        tasks.spawn(box.run(), name="outbox")
        for number in range(1, 600):
            for entry in put(log, *turn(number)):
                box.note(entry)
        assert not await box.flush(1)
        async with forge.open():
            await until(lambda: forge.output() == 599, limit=10)
        assert forge.stories[-1]["messages"] == 2 * 599
        await tasks.close()
        log.close()

    asyncio.run(story())


def test_one_item_that_the_forge_refuses_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async def story() -> None:
        forge, log = Forge(poison="do 3"), opened(tmp_path)
        put(log, *(record for number in range(1, 6) for record in turn(number)))
        async with forge.open() as url:
            assert await Outbox(tmp_path, log, url, "secret").flush(3)
        assert (forge.output(), len(forge.of("timeline"))) == (5, 9)
        log.close()

    asyncio.run(story())


def test_a_session_that_the_forge_does_not_know_is_left_alone(tmp_path: Path) -> None:
    async def story() -> None:
        forge, log = Forge(status=404), opened(tmp_path)
        put(log, *turn(1))
        async with forge.open() as url:
            box = Outbox(tmp_path, log, url, "secret")
            await box.flush(1)
            await box.flush(1)
            assert box.gone
            assert forge.calls == 1
            forge.status = 204
            box.aim(url, "secret")
            assert await box.flush(1)
        assert forge.output() == 1
        log.close()

    asyncio.run(story())


def test_without_an_address_nothing_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    async def story() -> None:
        forge, log = Forge(), opened(tmp_path)
        box = Outbox(tmp_path, log, "", "secret")
        put(log, *turn(1))
        assert await box.flush(1)
        async with forge.open() as url:
            box.aim(url, "secret")
            assert await box.flush(1)
        assert forge.output() == 1
        log.close()

    asyncio.run(story())
    assert report_url("http://x/api/v1/sessions/1/activity") == "http://x/api/v1/sessions/1/report"


def test_a_damaged_cursor_begins_anew_and_the_forge_counts_once(tmp_path: Path) -> None:
    async def story() -> None:
        forge, log = Forge(), opened(tmp_path)
        put(log, *turn(1))
        async with forge.open() as url:
            assert await Outbox(tmp_path, log, url, "secret").flush(1)
            for damage in (b"", b"{}", b'{"format":1}', b"[" * 50):
                (tmp_path / "outbox" / "cursor.json").write_bytes(damage)
                assert await Outbox(tmp_path, log, url, "secret").flush(1)
        assert forge.output() == 1
        log.close()

    asyncio.run(story())


# --- leftovers --------------------------------------------------------------------------------------------------------


async def stopped_unheard(home: Path, name: str, url: str) -> Path:
    folder = home / "sessions" / name
    log = opened(folder)
    put(log, *turn(1, output=9))
    assert not await Outbox(folder, log, url, "secret").flush(1)
    log.close()
    return folder


def test_a_stopped_session_is_reported_when_the_forge_is_back_also_at_another_port(tmp_path: Path) -> None:
    async def story() -> None:
        gone = Forge()
        async with gone.open() as url:
            pass
        folder = await stopped_unheard(tmp_path, "s1", url)
        assert not await sweep(tmp_path, lambda _: False)
        forge, tasks = Forge(), Tasks()
        async with forge.open():
            (tmp_path / "run").mkdir()
            (tmp_path / "run" / "forge.json").write_text(json.dumps({"address": f"http://localhost:{forge.port}"}))
            tasks.spawn(deliver_leftovers(tmp_path, lambda _: False), name="leftovers")
            await until(lambda: forge.output() == 9)
            await until(lambda: load(folder / "outbox").done)
            calls = forge.calls
            assert await sweep(tmp_path, lambda _: False)
            assert forge.calls == calls
        await tasks.close()

    asyncio.run(story())


def test_running_sessions_speak_for_themselves(tmp_path: Path) -> None:
    async def story() -> None:
        forge = Forge()
        async with forge.open() as url:
            pass
        one = await stopped_unheard(tmp_path, "s1", url)
        await stopped_unheard(tmp_path, "s2", url)
        (one / "spec.json").write_text("{}")
        async with forge.open():
            assert await sweep(tmp_path, lambda name: name == "s2")
        assert forge.calls == 0

    asyncio.run(story())


def test_a_guest_steps_back_when_the_session_runs_again(tmp_path: Path) -> None:
    async def story() -> None:
        forge = Forge(silent=1)
        async with forge.open() as url:
            log = opened(tmp_path)
            put(log, *turn(1))
            guest = Outbox(tmp_path, log, url, "secret", guest=True)
            assert not await guest.flush(1)
            owner = Outbox(tmp_path, log, url, "secret")
            assert await owner.flush(1)
            kept = (tmp_path / "outbox" / "cursor.json").read_bytes()
            assert not await guest.flush(1)
            assert (tmp_path / "outbox" / "cursor.json").read_bytes() == kept
            log.close()
        assert forge.output() == 1

    asyncio.run(story())
