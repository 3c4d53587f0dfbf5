"""A session that goes on from another one's conversation: its log begins as a copy of the other's."""

import os
import shutil
from pathlib import Path
from uuid import UUID

from volundr.broker.codec import Entry, decode_entry, encode_entry
from volundr.broker.journal import now
from volundr.broker.log import Log
from volundr.broker.records import AgentState, Forked
from volundr.domain.errors import Invalid

_PAGE = 1000


def fork(sessions: Path, parent: str, child: str, name: str) -> None:
    """Blocking. Copy the conversation of `parent` to `child`, unless that has one already.

    A turn that runs is copied as far as it went. Raises Invalid when there is nothing to go on from, Unavailable when the
    disk does not take it.
    """
    if (sessions / child / "log.ndjson").exists():
        return
    source = Log.peek(sessions / str(UUID(parent)))
    if source is None or not source.last_seq:
        raise Invalid("The session to fork has no conversation yet.", hint="Say something in it first.")
    new = sessions / f"{child}.fork"
    shutil.rmtree(new, ignore_errors=True)  # an earlier attempt that a crash cut short
    try:
        _copy(source, new, Forked(session=parent, name=name))
    finally:
        source.release()
    files = sessions / parent / "attachments"
    if files.exists():
        shutil.copytree(files, new / "attachments", copy_function=os.link)
    (sessions / child).mkdir(parents=True, exist_ok=True, mode=0o700)
    for part in ("attachments", "log.json", "log.ndjson"):  # the log last: it says that the fork is complete
        if (new / part).exists():
            (new / part).rename(sessions / child / part)
    new.rmdir()


def _copy(source: Log, folder: Path, last: Forked) -> None:
    target = Log.open(folder)
    native = ""
    try:
        for first in range(1, source.last_seq + 1, _PAGE):
            raws = source.read(first, first + _PAGE - 1)
            for raw in raws:
                if b'"agent_state"' in raw and isinstance(record := decode_entry(raw).record, AgentState):
                    native = record.native or native
            target.append(raws)
        ending = Forked(session=last.session, name=last.name, native=native)
        target.append([encode_entry(Entry(target.last_seq + 1, now(), 0, ending))])
    finally:
        target.close()
