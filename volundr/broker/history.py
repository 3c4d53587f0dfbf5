"""Pages of a session's records, oldest first, whether or not the session runs."""

import asyncio
from pathlib import Path

from volundr.broker.checkpoint import load_known
from volundr.broker.epochs import epoch_of
from volundr.broker.log import Log
from volundr.broker.scan import CHECKPOINT, Known

HISTORY_RECORDS = 2000
HISTORY_BYTES = 4 * 1024 * 1024


def page(log: Log, newest: int, before: int | None, limit: int) -> bytes:
    """The records up to `newest` and before `before`: as many as asked for, unless they are very large."""
    last = min(newest, before - 1) if before else newest
    first = max(last - limit + 1, log.fits_before(last, HISTORY_BYTES))
    return _document(log.epoch, b",".join(log.read(first, last)))


async def present(log: Log, newest: int, before: int | None, limit: int) -> bytes:
    """The page of a session that runs. In a thread: old records have to be unpacked. Raises Unavailable."""
    return await asyncio.to_thread(page, log, newest, before, limit)


def past(folder: Path, before: int | None, limit: int) -> bytes:
    """Blocking. The page of a session that does not run; an empty one when it never ran. Raises Unavailable."""
    log = Log.peek(folder, _known(folder))
    if log is None:
        return _document("", b"")
    try:
        return page(log, log.last_seq, before, limit)
    finally:
        log.release()


def _known(folder: Path) -> Known | None:
    """Where the records are, if a checkpoint says so: then a page of a long log is read without the rest of it."""
    if not (folder / CHECKPOINT).exists():
        return None
    try:
        return load_known(folder, epoch_of(folder))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _document(epoch: str, records: bytes) -> bytes:
    return b'{"epoch":"%b","records":[%b]}' % (epoch.encode(), records)
