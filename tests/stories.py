"""Chronicles in a database, for tests of what is done with them."""

from typing import Any

from volundr.db.database import Database
from volundr.domain.chronicles import Chronicle, ChronicleFilter, Telling
from volundr.domain.identity import Whose
from volundr.domain.paging import PageRequest
from volundr.domain.sessions.model import Session, Status
from volundr.store.chronicles import ChronicleStore
from volundr.store.sessions import SessionStore

HERE = Whose(tenant_id="default", owner_id="local")


async def named(db: Database, chosen: ChronicleFilter, **page: Any) -> list[str]:
    """The names of those that are found."""
    return [one.name for one in (await ChronicleStore(db).list(chosen, PageRequest(**page))).items]


async def stored(db: Database, name: str, summary: str = "", tenant: str = "default", **more: Any) -> Chronicle:
    """The chronicle of a new session."""
    session = Session(name=name, agent=more.pop("agent", "demo"), tenant_id=tenant, status=Status.RUNNING, **more)
    await SessionStore(db).add(session)
    return await ChronicleStore(db).tell(session, Telling(epoch="e", seq=1, summary=summary))
