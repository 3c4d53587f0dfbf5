"""Reports of sessions that were stopped while the forge was away: told when it is back."""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from volundr.broker.log import Log
from volundr.broker.outbox import Outbox, load
from volundr.broker.report import LEAST_PAUSE, LONGEST_PAUSE
from volundr.domain.errors import Unavailable

log = logging.getLogger(__name__)

LOOK_SECONDS = 600.0
ONE_SECONDS = 30.0
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


async def deliver_leftovers(home: Path, running: Callable[[str], bool]) -> None:
    """Own this task: it looks for such sessions at once and now and then, and ends when it is cancelled.

    `running` says whether this Skuld has the session: then its own outbox speaks for it.
    """
    pause = LEAST_PAUSE
    while True:
        if await sweep(home, running):
            pause = LEAST_PAUSE
            await asyncio.sleep(LOOK_SECONDS)
        else:
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)


async def sweep(home: Path, running: Callable[[str], bool]) -> bool:
    """Tell once what stopped sessions have left to tell; False when some of it has to wait."""
    done = True
    for folder in await asyncio.to_thread(_left, home / "sessions"):
        if not running(folder.name):
            try:
                done &= await _tell(folder, home)
            except (OSError, Unavailable) as error:
                log.warning("report of a stopped session not read", extra={"session": folder.name, "cause": str(error)})
    return done


async def _tell(folder: Path, home: Path) -> bool:
    cursor = await asyncio.to_thread(load, folder / "outbox")
    found = await asyncio.to_thread(Log.peek, folder)
    if found is None:
        return True
    try:
        url = await asyncio.to_thread(_today, cursor.url, home)
        box = Outbox(folder, found, url.removesuffix("/report") + "/activity", cursor.secret, guest=True)
        return await box.flush(ONE_SECONDS)
    finally:
        await asyncio.to_thread(found.release)


def _left(sessions: Path) -> Sequence[Path]:
    """Folders of sessions that do not run and were not reported to their end."""
    found = []
    for path in sorted(sessions.glob("*/outbox/cursor.json")):
        folder = path.parent.parent
        if (folder / "spec.json").exists():
            continue
        cursor = load(path.parent)
        if cursor.url and not cursor.done:
            found.append(folder)
    return found


def _today(url: str, home: Path) -> str:
    """The same address at the port where the forge of this machine listens now, which may be another than it was."""
    parts = urlsplit(url)
    if parts.hostname not in _LOOPBACK:
        return url
    try:
        now = urlsplit(str(json.loads((home / "run" / "forge.json").read_bytes())["address"]))
    except (OSError, ValueError, KeyError, TypeError):
        return url
    return urlunsplit(parts._replace(scheme=now.scheme, netloc=now.netloc)) if now.netloc else url
