"""The durable log: whole batches or none, whatever happens."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from volundr.broker.log import Log
from volundr.domain.errors import Unavailable


def record(number: int, size: int = 20) -> bytes:
    return json.dumps({"type": "notice", "seq": number, "text": "x" * size}).encode()


def all_of(log: Log) -> list[bytes]:
    return log.read(1, log.last_seq)


def fill(folder: Path, batches: list[int]) -> list[list[bytes]]:
    """Batches of so many records each."""
    log, number, written = Log.open(folder), 0, []
    for count in batches:
        batch = [record(number + at + 1) for at in range(count)]
        number += count
        log.append(batch)
        written.append(batch)
    log.close()
    return written


def crashed(folder: Path, *, boot: str | None = None) -> None:
    """As if the process had died before `close`."""
    side = json.loads((folder / "log.json").read_text())
    (folder / "log.json").write_text(json.dumps(side | {"clean": False} | ({"boot": boot} if boot else {})))


def test_what_was_appended_is_read_again_byte_for_byte(tmp_path: Path) -> None:
    written = fill(tmp_path, [1, 3, 2])
    log = Log.open(tmp_path)
    assert all_of(log) == [raw for batch in written for raw in batch]
    assert log.read(2, 4) == [*written[1]]
    assert log.read(6, 99) == [written[2][1]]
    assert log.read(7, 9) == []
    log.close()


def test_a_crash_at_any_byte_leaves_whole_batches(tmp_path: Path) -> None:
    source = tmp_path / "source"
    written = fill(source, [1, 3, 1, 2])
    whole = (source / "log.ndjson").read_bytes()
    ends = [0]
    for batch in written:
        ends.append(ends[-1] + sum(len(raw) + 11 for raw in batch))
    folder = tmp_path / "cut"
    for size in range(len(whole) + 1):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(source, folder)
        crashed(folder)
        os.truncate(folder / "log.ndjson", size)
        log = Log.open(folder)
        count = sum(end <= size for end in ends[1:])
        assert all_of(log) == [raw for batch in written[:count] for raw in batch], size
        assert log.end == ends[count] == (folder / "log.ndjson").stat().st_size
        log.append([b'{"more":1}'])
        assert all_of(log)[-1] == b'{"more":1}'
        log.close()


@settings(max_examples=40, deadline=None)
@given(
    batches=st.lists(st.lists(st.binary(max_size=60).map(lambda b: b.replace(b"\n", b" ")), min_size=1, max_size=4), max_size=6),
    place=st.integers(min_value=0),
    value=st.integers(min_value=0, max_value=255),
)
def test_a_damaged_byte_never_shows_a_wrong_record(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[bytes]], place: int, value: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    log = Log.open(folder)
    for batch in batches:
        log.append(batch)
    log.close()
    data = bytearray((folder / "log.ndjson").read_bytes())
    if data:
        data[place % len(data)] = value
        (folder / "log.ndjson").write_bytes(data)
    log = Log.open(folder)
    found = all_of(log)
    flat = [raw for batch in batches for raw in batch]
    assert found == flat[: len(found)]
    assert len(found) in {sum(map(len, batches[:n])) for n in range(len(batches) + 1)}
    log.close()
    shutil.rmtree(folder)


def test_the_epoch_stays_unless_clients_may_have_seen_more_than_there_is(tmp_path: Path) -> None:
    fill(tmp_path, [2, 2])
    first = Log.open(tmp_path)
    epoch = first.epoch
    first.close()
    crashed(tmp_path)
    again = Log.open(tmp_path)
    assert again.epoch == epoch, "a crash of Skuld loses nothing that was shown"
    again.close()
    crashed(tmp_path, boot="another boot")
    after_power_loss = Log.open(tmp_path)
    assert after_power_loss.epoch != epoch
    newer = after_power_loss.epoch
    after_power_loss.close()
    (tmp_path / "log.json").write_text("no json")
    lost_side = Log.open(tmp_path)
    assert lost_side.epoch != newer
    lost_side.close()


def test_damage_in_the_middle_is_kept_aside_and_begins_a_new_epoch(tmp_path: Path) -> None:
    written = fill(tmp_path, [1, 1, 1])
    log = Log.open(tmp_path)
    epoch = log.epoch
    log.close()
    data = bytearray((tmp_path / "log.ndjson").read_bytes())
    data[len(written[0][0]) + 11 + 15] ^= 1
    (tmp_path / "log.ndjson").write_bytes(data)
    log = Log.open(tmp_path)
    assert all_of(log) == written[0]
    assert log.epoch != epoch
    kept = list(tmp_path.glob("log.damaged-*"))
    assert len(kept) == 1
    assert written[2][0] in kept[0].read_bytes()
    log.close()


def test_two_skulds_cannot_write_one_log(tmp_path: Path) -> None:
    log = Log.open(tmp_path)
    with pytest.raises(Unavailable, match="in use by another Skuld"):
        Log.open(tmp_path)
    log.close()


def test_syncs_that_come_together_share_one_fsync(tmp_path: Path) -> None:
    async def story() -> None:
        log = Log.open(tmp_path)
        ends = [log.append([record(number)]) for number in range(50)]
        await asyncio.gather(*(log.sync(end) for end in ends))
        assert log.synced == log.end
        log.close()

    asyncio.run(story())


FULL = """
import asyncio, resource, signal, sys
from pathlib import Path
from volundr.broker.log import Log
from volundr.domain.errors import Unavailable
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

async def main():
    log = Log.open(Path(sys.argv[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.RLIM_INFINITY))
    done = 0
    try:
        while True:
            log.append([b'{"seq":%d,"text":"%b"}' % (done + at + 1, b"x" * 100) for at in range(3)])
            done += 3
    except Unavailable as error:
        assert "cannot be written" in str(error), error
        assert error.hint
    assert log.last_seq == done and done > 30
    try:
        log.append([b"y" * 3000])
    except Unavailable:
        pass
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    log.append([b'{"room":"again"}'])
    await log.sync(log.end)
    print(done)

asyncio.run(main())
"""


def test_a_full_disk_tears_nothing_and_room_mends_it(tmp_path: Path) -> None:
    """With the limit of the system itself: a write past it fails in the middle of a batch."""
    ran = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=False, timeout=20)
    assert ran.returncode == 0, ran.stderr
    log = Log.open(tmp_path)
    assert log.last_seq == int(ran.stdout) + 1
    assert all_of(log)[-1] == b'{"room":"again"}'
    log.close()


def test_ten_thousand_records_are_read_in_a_moment(tmp_path: Path) -> None:
    fill(tmp_path, [100] * 100)
    started = time.perf_counter()
    log = Log.open(tmp_path)
    assert sum(map(len, all_of(log))) > 10_000
    assert time.perf_counter() - started < 1.0
    log.close()


def test_pieces_fit_the_size_that_was_asked_for(tmp_path: Path) -> None:
    fill(tmp_path, [7] * 20)
    log = Log.open(tmp_path)
    at, seen = 1, 0
    while at <= log.last_seq:
        last = log.fits(at, 300)
        assert sum(len(raw) + 11 for raw in log.read(at, last)) <= 300
        if last < log.last_seq:
            assert sum(len(raw) + 11 for raw in log.read(at, last + 1)) > 300
        seen += last - at + 1
        at = last + 1
    assert seen == 140
    assert log.fits(1, 1) == 1
    for end in range(1, 141):
        first = log.fits_before(end, 300)
        assert first == end or sum(len(raw) + 11 for raw in log.read(first, end)) <= 300
    assert log.fits_before(0, 300) == 1
    log.close()
