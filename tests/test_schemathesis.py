"""Every route of the OpenAPI document under generated input, on both databases: no server error, no broken promise.

The forge is a real server in a thread, its pods are a table. Half of the ids in paths are those of things that exist.
"""

import asyncio
import random
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from tests.conftest import NO_POSTGRES, POSTGRES, postgres_url
from tests.door import free_socket
from tests.forge import forge_in
from volundr.document import openapi_document
from volundr.local.serve import serving

pytestmark = pytest.mark.e2e

EXAMPLES = 12
NOT_HERE = r"^/(s/|manage/|api/v1/stream)"
"""What Skuld serves, and the stream, which does not end."""
CHECKS = [checks.not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

DOCUMENT = openapi_document()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT).exclude(path_regex=NOT_HERE)


def operations() -> Iterator[APIOperation[Any, Any, Any, Any]]:
    for found in SCHEMA.get_all_operations():
        assert isinstance(found, Ok), f"the document is wrong: {found}"
        yield found.ok()


OPERATIONS = {f"{one.method.upper()} {one.path}": one for one in operations()}


@dataclass(slots=True)
class Target:
    url: str
    token: str
    ids: dict[str, list[str]]


class Server(threading.Thread):
    """A forge on an event loop of its own, on a real port."""

    def __init__(self, home: Path, *, postgres: bool) -> None:
        super().__init__(name="forge under test")
        self._home, self._postgres = home, postgres
        self._ready: Future[tuple[str, str]] = Future()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()

    def run(self) -> None:
        try:
            self._loop.run_until_complete(self._main())
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            raise
        finally:
            self._loop.close()

    async def _main(self) -> None:
        if self._postgres:
            async with postgres_url() as url:
                await self._serve(url)
        else:
            await self._serve("")

    async def _serve(self, url: str) -> None:
        listener = free_socket()
        port = listener.getsockname()[1]
        async with forge_in(self._home, url, port) as site, serving(site.forge.app, listener, site.forge.socket):
            site.forge.start()
            self._ready.set_result((f"http://localhost:{port}", site.http.headers["authorization"]))
            await self._over.wait()

    def __enter__(self) -> tuple[str, str]:
        self.start()
        return self._ready.result(30)

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self.join(30)


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgres", marks=pytest.mark.skipif(not POSTGRES, reason=NO_POSTGRES))],
)
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    home = tmp_path_factory.mktemp("forge") / "home"
    with (
        Server(home, postgres=request.param == "postgres") as (url, bearer),
        httpx.Client(base_url=url, headers={"authorization": bearer}) as http,
    ):
        yield Target(url, bearer, made(http))


def made(http: httpx.Client) -> dict[str, list[str]]:
    """One of everything that can be made, by the name of the parameter that stands for it in paths."""
    session = http.post("/api/v1/sessions", json={"name": "seed", "agent": "demo", "start": False}).json()
    mapping = http.post("/api/v1/tracker/mappings", json={"repo": "r", "provider": "p", "project": "A"}).json()
    preset = http.post("/api/v1/presets", json={"name": "seed"}).json()
    prompt = http.post("/api/v1/prompts", json={"name": "seed", "content": "x"}).json()
    chronicle = http.post("/api/v1/chronicles", json={"session_id": session["id"]}).json()
    budget = http.post("/api/v1/budgets", json={"scope": "tenant", "period": "month", "limit_usd": 1e6}).json()
    return {
        "budget_id": [budget["id"]],
        "workspace_id": [session["id"]],
        "chronicle_id": [chronicle["id"]],
        "preset_id": [preset["id"]],
        "prompt_id": [prompt["id"]],
        "session_id": [session["id"]],
        "mapping_id": [mapping["id"]],
    }


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_no_input_breaks_it(target: Target, name: str) -> None:
    operation = OPERATIONS[name]
    chance = random.Random(name)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        for parameter, known in target.ids.items():
            if case.path_parameters and parameter in case.path_parameters and chance.random() < 0.5:
                case.path_parameters[parameter] = chance.choice(known)
        answer = case.call(base_url=target.url, headers={"authorization": target.token}, timeout=20)
        case.validate_response(answer, checks=CHECKS)

    run()
