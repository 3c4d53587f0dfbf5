"""The forge's books over a database, and the API in front of them: real routes, services and stores, no pods."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from tests.pods import TablePods
from tests.test_sessions_lifecycle import AnyFolder
from volundr.api.http import build_api
from volundr.api.security import local_site
from volundr.db.database import Database
from volundr.db.migrate import migrate
from volundr.domain.chronicles import ChronicleService
from volundr.domain.events import EventIngestionService
from volundr.domain.permissions import PermissionService
from volundr.domain.reforge import ReforgeService
from volundr.domain.reports import Books, ReportService
from volundr.domain.roles import AllowAll
from volundr.domain.sessions.launch import Launch
from volundr.domain.sessions.model import Session, Status
from volundr.domain.sessions.progress import Progress
from volundr.domain.sessions.service import SessionService
from volundr.domain.stats import StatsService
from volundr.domain.tickets import derive
from volundr.domain.timeline import TimelineService
from volundr.domain.tokens import TokenService
from volundr.local.broadcaster import LocalBroadcaster
from volundr.local.identity import FileLogins, Keys, LocalIdentity, keys_of
from volundr.local.pricing import PriceTable
from volundr.process import Tasks
from volundr.store.chronicles import ChronicleStore
from volundr.store.event_sink import BufferedEvents
from volundr.store.events import EventStore
from volundr.store.opening import MIGRATIONS
from volundr.store.permissions import PermissionStore
from volundr.store.sessions import SessionStore
from volundr.store.stats import StatsStore
from volundr.store.timeline import TimelineStore
from volundr.store.tokens import TokenStore

PORT = 8123


@dataclass(slots=True)
class Desk:
    """`http` carries the person's token."""

    db: Database
    keys: Keys
    sessions: SessionStore
    books: Books
    reports: ReportService
    http: httpx.AsyncClient
    api: FastAPI

    async def session(self, name: str = "one", status: Status = Status.RUNNING, owner: str = "local") -> Session:
        session = Session(name=name, agent="demo", status=status, owner_id=owner)
        await self.sessions.add(session)
        return session

    def pod(self, session: Session) -> dict[str, str]:
        """Headers of a session's broker."""
        return {"authorization": f"Bearer {derive(self.keys.session(session.id), 'report')}"}

    async def report(self, session: Session, *items: dict[str, object], epoch: str = "e1") -> httpx.Response:
        path = f"/api/v1/sessions/{session.id}/report"
        return await self.http.post(path, json={"epoch": epoch, "items": items}, headers=self.pod(session))

    async def get(self, path: str, **params: Any) -> dict[str, Any]:
        answer = await self.http.get(f"/api/v1/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def books_of(db: Database) -> Books:
    return Books(
        tokens=TokenService(TokenStore(db), PriceTable()),
        timeline=TimelineStore(db),
        chronicles=ChronicleStore(db),
        permissions=PermissionStore(db),
        events=EventIngestionService(BufferedEvents(EventStore(db), 100, 0.0)),
    )


@asynccontextmanager
async def desk(db: Database, home: Path, port: int = PORT) -> AsyncIterator[Desk]:
    await migrate(db, MIGRATIONS)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home / "run").mkdir(mode=0o700, exist_ok=True)
    keys, logins, store, books = keys_of(home), FileLogins(home / "run" / "logins.json"), SessionStore(db), books_of(db)
    launch = Launch(pods=TablePods(), contributors=(), progress=Progress(store, LocalBroadcaster()), timeout=5)
    sessions = SessionService(store, AnyFolder(), launch, ("demo",), Tasks())
    reports = ReportService(sessions, books)
    services = {
        SessionService: sessions,
        ReportService: reports,
        TokenService: books.tokens,
        StatsService: StatsService(StatsStore(db)),
        TimelineService: TimelineService(books.timeline),
        ChronicleService: ChronicleService(books.chronicles),
        ReforgeService: ReforgeService(sessions, books.chronicles, TimelineService(books.timeline)),
        PermissionService: PermissionService(books.permissions),
    }
    api = build_api(services, local_site(port), LocalIdentity(keys, logins), AllowAll(), 1024 * 1024)
    transport = httpx.ASGITransport(api)
    bearer = {"authorization": f"Bearer {keys.token}"}
    async with httpx.AsyncClient(transport=transport, base_url=f"http://localhost:{port}", headers=bearer) as http:
        yield Desk(db, keys, store, books, reports, http, api)
