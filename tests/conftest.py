"""What many tests share: both databases, and the rule that CI skips nothing."""

import asyncio
import faulthandler
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import pytest

from volundr.db.database import Database
from volundr.db.postgres import PostgresDatabase
from volundr.db.sqlite import SqliteDatabase

if TYPE_CHECKING:
    from tests.forge import Site

POSTGRES = os.environ.get("VOLUNDR_TEST_POSTGRES", "")
NO_POSTGRES = (
    "Set VOLUNDR_TEST_POSTGRES to the DSN of a database; `python3 build.py test` starts one where Postgres is installed."
)

type Open = Callable[[], Awaitable[Database]]
type Run = Callable[[Callable[[Database], Awaitable[None]]], None]


class OnForge(Protocol):
    def __call__(self, scenario: "Callable[[Site], Awaitable[None]]", *, server: bool = False) -> None: ...


@asynccontextmanager
async def postgres_url() -> AsyncIterator[str]:
    """A database of one's own inside the given one: a schema that goes when the test is over."""
    schema = f"t{uuid4().hex}"
    separator = "&" if "?" in POSTGRES else "?"
    setup = await PostgresDatabase.open(POSTGRES)
    try:
        await setup.run(f"CREATE SCHEMA {schema}")
        try:
            yield f"{POSTGRES}{separator}search_path={schema}"
        finally:
            await setup.run(f"DROP SCHEMA {schema} CASCADE")
    finally:
        await setup.close()


@asynccontextmanager
async def postgres_schema() -> AsyncIterator[PostgresDatabase]:
    async with postgres_url() as url:
        db = await PostgresDatabase.open(url)
        try:
            yield db
        finally:
            await db.close()


@asynccontextmanager
async def sqlite_file(folder: Path) -> AsyncIterator[SqliteDatabase]:
    db = await SqliteDatabase.open(folder / "volundr.db")
    try:
        yield db
    finally:
        await db.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.skipif(not POSTGRES, reason=NO_POSTGRES))])
def on_database(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Runs one async scenario against an empty database of each kind."""

    def run(scenario: Callable[[Database], Awaitable[None]]) -> None:
        async def main() -> None:
            async with sqlite_file(tmp_path) if request.param == "sqlite" else postgres_schema() as db:
                await scenario(db)

        asyncio.run(main())

    return run


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.skipif(not POSTGRES, reason=NO_POSTGRES))])
def on_forge(request: pytest.FixtureRequest, tmp_path: Path) -> "OnForge":
    """Runs one async scenario in a whole forge without processes, over an empty database of each kind."""
    from tests.forge import forge_in

    def run(scenario: "Callable[[Site], Awaitable[None]]", *, server: bool = False) -> None:
        async def main() -> None:
            async with AsyncExitStack() as stack:
                url = await stack.enter_async_context(postgres_url()) if request.param == "postgres" else ""
                await scenario(await stack.enter_async_context(forge_in(tmp_path / "home", url, server=server)))

        asyncio.run(main())

    return run


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skip is a failure: it hides a part that was not tested."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"CI skips nothing: {report.longrepr}"
    return report


END_SECONDS = 30.0
"""Within which the process is gone after its last test."""


def pytest_unconfigure(config: pytest.Config) -> None:
    """A thread that a test left behind would keep the process for ever: it is shown instead, and the run fails."""
    capture = config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        faulthandler.dump_traceback_later(END_SECONDS, exit=True, file=os.dup(2))
