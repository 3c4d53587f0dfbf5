"""Routes that are made when they are first asked for behave as if they had always been there."""

import asyncio
import subprocess
import sys
from pathlib import Path

from tests.forge import Site, in_forge
from volundr.api.routes import TABLE
from volundr.api.segments import segment


def test_many_who_ask_at_once_all_find_it(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        answers = await asyncio.gather(*(site.http.get("/api/v1/integrations/catalog") for _ in range(10)))
        assert {answer.status_code for answer in answers} == {200}

    in_forge(tmp_path, scenario)


def test_wrong_methods_and_paths_are_answered_as_ever(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        assert (await site.http.delete("/api/v1/git/confidence")).status_code == 405
        assert (await site.http.get("/api/v1/git/nothing")).status_code == 404
        assert (await site.http.get("/api/v1/nothing")).status_code == 404
        assert (await site.http.delete("/api/v1/stream")).status_code == 405

    in_forge(tmp_path, scenario)


def test_who_is_nobody_is_refused_there_too(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        for _ in range(2):
            answer = await site.http.get("/api/v1/tracker/status", headers={"authorization": "Bearer wrong"})
            assert answer.status_code == 401

    in_forge(tmp_path, scenario)


def test_the_document_has_all_of_them_whoever_was_asked_before(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        await site.http.get("/api/v1/tracker/status")
        paths = (await site.http.get("/api/v1/openapi.json")).json()["paths"]
        assert {"/api/v1/git/branches", "/api/v1/tracker/status", "/metrics", "/api/v1/sessions"} <= paths.keys()

    in_forge(tmp_path, scenario)


def test_every_route_is_found_under_the_key_of_its_router() -> None:
    for key, load in TABLE.items():
        mine = {segment(getattr(route, "path", ""), TABLE) for router in load() for route in router.routes}
        assert key in mine
        assert all(TABLE[one] is load for one in mine), (key, mine)


def test_an_app_starts_without_what_nobody_asked_for() -> None:
    seen = "import sys, volundr.app; print([m for m in sys.modules if m in ('volundr.api.git', 'volundr.api.tracker')])"
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
