"""The forge about itself, and who may ask."""

from pathlib import Path

import pytest

from tests.forge import Site, in_forge
from volundr.api.routes import routers

OPEN = {"/healthz", "/readyz"}


def test_the_forge_says_what_it_found(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        report = (await site.http.get("/api/v1/system")).json()
        assert (report["database"], report["pods"], report["home"]) == ("sqlite", "process", str(site.home))
        assert {tool["name"] for tool in report["tools"]} == {"git", "docker"}
        agents = (await site.http.get("/api/v1/agents")).json()
        assert agents == report["agents"] and agents[0]["available"], "available ones come first"
        for agent in agents:
            assert agent["available"] or (agent["problem"] and agent["hint"]), agent
        assert (await site.http.get("/api/v1/me")).json()["user_id"] == "local"

    in_forge(tmp_path, scenario)


def test_folders_are_listed_for_the_picker(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        (tmp_path / "work" / "repo" / ".git").mkdir(parents=True)
        listing = (await site.http.get("/api/v1/system/folders", params={"path": str(tmp_path / "work")})).json()
        assert [folder["name"] for folder in listing["folders"]] == ["repo"]
        answer = await site.http.get("/api/v1/system/folders", params={"path": str(tmp_path / "none")})
        assert answer.status_code == 422 and str(tmp_path / "none") in answer.json()["detail"]

    in_forge(tmp_path, scenario)


@pytest.mark.parametrize("path", sorted(OPEN))
def test_health_is_open_to_everybody(tmp_path: Path, path: str) -> None:
    async def scenario(site: Site) -> None:
        answer = await site.http.get(path, headers={"authorization": ""})
        assert answer.status_code == 200, answer.text

    in_forge(tmp_path, scenario)


def test_nobody_gets_anything_else_without_saying_who_they_are(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        asked = 0
        for router in routers():
            for route in router.routes:
                path: str = getattr(route, "path", "")
                methods: set[str] = getattr(route, "methods", set())
                if path in OPEN or path == "/api/v1/login":
                    continue
                for method in methods:
                    url = path.replace("{session_id}", "00000000-0000-4000-8000-000000000000")
                    answer = await site.http.request(method, url, headers={"authorization": "Bearer wrong"})
                    assert answer.status_code == 401, (method, path, answer.text)
                    assert answer.headers["content-type"] == "application/problem+json"
                    asked += 1
        assert asked > 15

    in_forge(tmp_path, scenario)


def test_the_api_document_has_the_frames_of_a_sessions_socket(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        document = (await site.http.get("/api/v1/openapi.json")).json()
        assert {"Record", "Live", "FromClient", "SessionOut"} <= document["components"]["schemas"].keys()

    in_forge(tmp_path, scenario)


def test_an_error_of_ours_tells_the_log_and_not_the_client(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(site: Site) -> None:
        await site.forge.db.run("ALTER TABLE sessions RENAME TO hidden")
        site.http._transport.raise_app_exceptions = False  # type: ignore[attr-defined]
        answer = await site.http.get("/api/v1/sessions")
        assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
        assert "hidden" not in answer.text and "no such table" not in answer.text

    in_forge(tmp_path, scenario)
    assert "request failed" in caplog.text
