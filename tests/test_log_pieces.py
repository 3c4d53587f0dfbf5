"""A long log in pieces, the older ones packed: the same records, whatever is killed in between and whatever is damaged."""

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from volundr.broker.checkpoint import load
from volundr.broker.epochs import epoch_of
from volundr.broker.log import Full, Log
from volundr.broker.pieces import Piece, files, pack, packed_name
from volundr.broker.recovery import Upkeep
from volundr.broker.scan import CHECKPOINT
from volundr.domain.errors import Unavailable

SMALL = Full(records=10)
WRITES = {"open", "pwrite", "write", "ftruncate", "truncate", "fsync", "fdatasync", "rename", "replace", "unlink", "remove"}


def record(number: int) -> bytes:
    return json.dumps(
        {"type": "notice", "seq": number, "at": "", "level": "info", "text": f"{number * 7919 % 1000} " * 12}
    ).encode()


def batches(count: int) -> list[list[bytes]]:
    """Batches of one to four records, the same ones every time."""
    chance, made, number = random.Random(count), [], 0
    while number < count:
        size = min(chance.randint(1, 4), count - number)
        made.append([record(number + at + 1) for at in range(size)])
        number += size
    return made


def flat(made: Sequence[Sequence[bytes]]) -> list[bytes]:
    return [raw for batch in made for raw in batch]


async def write(log: Log, made: Sequence[Sequence[bytes]], told: Callable[[int], None] = lambda _: None) -> None:
    """Each batch brought to the disk, full pieces packed at once."""
    upkeep = log.upkeep if isinstance(log.upkeep, Upkeep) else Upkeep(log.folder, log)
    for batch in made:
        log.append(batch)
        await log.sync(log.end)
        told(log.last_seq)
        upkeep.work()


def long_log(folder: Path, count: int = 57) -> list[bytes]:
    made = batches(count)

    async def story() -> None:
        log = Log.open(folder, full=SMALL)
        await write(log, made)
        log.close()

    asyncio.run(story())
    return flat(made)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_every_page_of_a_packed_log_is_what_was_appended(tmp_path: Path) -> None:
    written = long_log(tmp_path)
    assert len([path for _, path in files(tmp_path) if path.suffix == ".z"]) >= 4
    assert (tmp_path / "log.ndjson").stat().st_size == 0, "it stays, empty: it carries the lock"
    for log in (Log.open(tmp_path), Log.peek(tmp_path)):
        assert log is not None
        for first in range(1, 58):
            for last in range(first, 58, 7):
                assert log.read(first, last) == written[first - 1 : last]
            assert log.fits(first, 10**9) == 57
            assert log.fits_before(first, 10**9) == 1
        log.release()


def test_a_reader_in_the_middle_of_packing_sees_no_difference(tmp_path: Path) -> None:
    made = batches(57)
    log = Log.open(tmp_path, full=SMALL)

    async def story() -> None:
        for batch in made:
            log.append(batch)
            await log.sync(log.end)

    asyncio.run(story())
    before = log.due()
    assert len(before) >= 4
    for piece, size in before:
        twin = pack(piece, size)
        assert log.read(1, 57) == flat(made)
        log.packed(twin)
        assert log.read(1, 57) == flat(made)
    assert log.due() == []
    log.close()


def test_who_only_looks_reads_on_while_the_owner_packs(tmp_path: Path) -> None:
    made = batches(57)
    owner = Log.open(tmp_path, full=SMALL)

    async def story() -> None:
        for batch in made:
            owner.append(batch)
            await owner.sync(owner.end)

    asyncio.run(story())
    looker = Log.peek(tmp_path)
    assert looker is not None
    for piece, size in owner.due():
        owner.packed(pack(piece, size))
        assert looker.read(1, 57) == flat(made)
        another = Log.peek(tmp_path)
        assert another is not None and another.read(1, 57) == flat(made)
    owner.close()


def test_looking_again_and_again_while_another_thread_packs_sees_the_whole_log(tmp_path: Path) -> None:
    made = batches(400)
    owner = Log.open(tmp_path, full=Full(records=4))

    async def story() -> None:
        for batch in made:
            owner.append(batch)
            await owner.sync(owner.end)

    asyncio.run(story())
    packer = threading.Thread(target=Upkeep(tmp_path, owner).work)
    packer.start()
    looks = 0
    while packer.is_alive() or not looks:
        looker = Log.peek(tmp_path)
        assert looker is not None and looker.read(1, 400) == flat(made)
        looks += 1
    packer.join()
    print(f"looked {looks} times while {len(files(tmp_path))} pieces were packed")
    owner.close()


def test_killed_at_any_call_to_the_system_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    """A child appends, packs and makes checkpoints; it is killed before its nth call that changes the disk."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else tmp_path) as place:
        kills = killed_everywhere(Path(place))
    print(f"killed before each of {kills} calls")
    assert kills > 70


def killed_everywhere(place: Path) -> int:
    made = batches(14)
    whole = flat(made)
    ends = {0} | {sum(map(len, made[: n + 1])) for n in range(len(made))}
    kills, number = 0, 0
    while True:
        number += 1
        folder = place / str(number)
        acknowledged, finished = child(folder, made, number)
        found = check(folder, whole, ends, acknowledged)
        assert found >= acknowledged, f"killed before call {number}"
        shutil.rmtree(folder, ignore_errors=True)
        if finished:
            return kills
        kills += 1


def acknowledge(into: int, seq: int) -> None:
    os.writev(into, [b"%d\n" % seq])


def child(folder: Path, made: Sequence[Sequence[bytes]], number: int) -> tuple[int, bool]:
    """What it had acknowledged when it was killed, and whether it came to its end instead."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(out)
            kill_at(number)

            async def story() -> None:
                log = Log.open(folder, full=Full(records=5))
                log.upkeep = Upkeep(folder, log, 4, 1)
                await write(log, made, lambda seq: acknowledge(into, seq))
                log.close()

            asyncio.run(story())
        finally:
            os._exit(0)
    os.close(into)
    with os.fdopen(out, "rb") as told:
        said = told.read().split()
    _, status = os.waitpid(pid, 0)
    return int(said[-1]) if said else 0, os.WIFEXITED(status)


def kill_at(number: int) -> None:
    """In this process and its threads."""
    seen = 0

    def watch(_: object, what: str, called: object) -> None:
        nonlocal seen
        if what == "c_call" and getattr(called, "__name__", "") in WRITES:
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(watch)
    sys.setprofile(watch)


def check(folder: Path, whole: list[bytes], ends: set[int], acknowledged: int) -> int:
    """Whole batches from the beginning, by a reader and by an owner, who can go on."""
    epoch = ""
    for look in range(2):
        made = load(folder, epoch_of(folder)) if (folder / CHECKPOINT).exists() and not look else None
        log = Log.open(folder, known=made.known if made else None)
        assert (log.known > 0) == (made is not None)
        count = log.last_seq - look
        assert log.read(1, count) == whole[:count]
        assert count in ends
        assert not list(folder.glob("log.damaged-*"))
        assert not epoch or log.epoch == epoch
        epoch = log.epoch
        if not look:
            log.append([b'{"more":1}'])
        log.close()
    assert count >= acknowledged
    return count


def test_a_packed_piece_cut_at_any_byte_does_not_count_while_the_plain_one_is_there(tmp_path: Path) -> None:
    log = Log.open(tmp_path, full=SMALL)
    made = batches(14)

    async def story() -> None:
        for batch in made:
            log.append(batch)
            await log.sync(log.end)

    asyncio.run(story())
    piece, size = log.due()[0]
    log.close()
    data = pack(piece, size).path.read_bytes()
    for length in range(0, len(data), 3):
        (tmp_path / packed_name(1)).write_bytes(data[:length])
        assert files(tmp_path)[0][1].name == "log.ndjson"
    again = Log.open(tmp_path, full=SMALL)
    assert again.read(1, 14) == flat(made)
    again.close()


def test_a_long_log_that_ends_at_any_byte_has_the_whole_batches_before_it(tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "cut"
    written = long_log(source, 27)
    newest = files(source)[-1]
    for size in range(0, newest[1].stat().st_size, 9):
        shutil.copytree(source, folder)
        os.truncate(folder / newest[1].name, size)
        log = Log.open(folder, full=SMALL)
        assert newest[0] - 1 <= log.last_seq < 27
        assert log.read(1, 99) == written[: log.last_seq]
        log.release()
        shutil.rmtree(folder)


def test_a_damaged_piece_leaves_what_was_before_it_and_keeps_the_rest_aside(tmp_path: Path) -> None:
    source = tmp_path / "source"
    written = long_log(source, 45)
    there = files(source)
    for number, (first, path) in enumerate(there[:-1]):
        folder = tmp_path / str(number)
        shutil.copytree(source, folder)
        (folder / "checkpoint").unlink(missing_ok=True)
        data = bytearray((folder / path.name).read_bytes())
        data[len(data) // 3] ^= 1
        (folder / path.name).write_bytes(data)
        before = json.loads((folder / "log.json").read_text())["epoch"]
        log = Log.open(folder, full=SMALL)
        assert log.last_seq >= first - 1 and log.last_seq < there[number + 1][0]
        assert log.read(1, 99) == written[: log.last_seq]
        assert log.epoch != before
        log.append([b'{"on":1}'])
        log.close()
        kept = {one for one in names(folder) if one.startswith("log.damaged-")}
        assert len(kept) == len(there) - number
        again = Log.open(folder, full=SMALL)
        assert again.read(1, 99) == [*written[: again.last_seq - 1], b'{"on":1}']
        again.close()


def test_damage_behind_a_checkpoint_is_noticed_when_it_is_read_and_mended_at_the_next_start(tmp_path: Path) -> None:
    made = batches(30)

    async def story() -> None:
        log = Log.open(tmp_path)
        for batch in made:
            log.append(batch)
        await log.sync(log.end)
        (tmp_path / "checkpoint").write_text("some checkpoint")
        data = bytearray((tmp_path / "log.ndjson").read_bytes())
        data[40] ^= 1
        (tmp_path / "log.ndjson").write_bytes(data)
        assert log.read(20, 30) == flat(made)[19:]
        with pytest.raises(Unavailable, match="damaged between the records 1 and 5"):
            log.read(1, 5)
        assert not (tmp_path / "checkpoint").exists()
        log.close()

    asyncio.run(story())
    log = Log.open(tmp_path)
    assert log.last_seq < 5
    log.close()


def test_a_lost_piece_is_a_gap_and_nothing_behind_it_is_taken_for_something_else(tmp_path: Path) -> None:
    written = long_log(tmp_path, 45)
    there = files(tmp_path)
    there[2][1].unlink()
    log = Log.open(tmp_path, full=SMALL)
    assert log.read(1, 99) == written[: there[2][0] - 1]
    log.close()


FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from tests.test_log_pieces import SMALL, batches, flat
from volundr.broker.log import Log
from volundr.broker.recovery import Upkeep
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
folder = Path(sys.argv[1])

async def main():
    log = Log.open(folder, full=SMALL)
    for batch in batches(57):
        log.append(batch)
        await log.sync(log.end)
    upkeep = Upkeep(folder, log, 1, 1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
    upkeep.work()
    assert len(log.due()) >= 4 and not list(folder.glob("*.new")) and not list(folder.glob("*.z"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert log.read(1, 99) == flat(batches(57))
    upkeep.work()
    assert not log.due() and (folder / "checkpoint").exists()
    assert log.read(1, 99) == flat(batches(57))

asyncio.run(main())
"""


def test_a_full_disk_puts_packing_off_and_keeps_no_rubbish(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60, env=environment
    )
    assert ran.returncode == 0, ran.stderr[-3000:]


def test_pieces_say_what_is_wrong_with_them(tmp_path: Path) -> None:
    (tmp_path / packed_name(11)).write_bytes(b"short")
    with pytest.raises(OSError, match="too short"):
        Piece(tmp_path / packed_name(11), 11, 0).size()
