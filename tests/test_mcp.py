"""Tool servers: configured, chosen, filled in with secrets for one session, and shown without them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from volundr_codex import servers

from tests.conftest import OnForge
from tests.forge import Site, in_forge
from volundr.broker import mounts
from volundr.domain.errors import Invalid
from volundr.domain.sessions.spec import McpServer, SessionSpec
from volundr.local.mcp import SettingsMcpServers

CANARY = "canary-5d21"
CONFIG = """
[mcp_servers.github]
description = "Issues"
command = "npx"
args = ["-y", "server"]
env = { TOKEN = "${credential:github.api_key}", MODE = "fast" }

[mcp_servers.search]
url = "https://search.example/mcp?x=1"
headers = { Authorization = "Bearer ${secret:search.token}" }
default = true
"""


def configured(home: Path, text: str = CONFIG) -> None:
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "config.toml").write_text(text)


async def new(site: Site, status: int = 201, **options: Any) -> dict[str, Any]:
    body = {"name": "one", "agent": "claude", "source": {"type": "empty"}, "options": options}
    made = await site.http.post("/api/v1/sessions", json=body)
    assert made.status_code == status, made.text
    return dict(made.json())


def test_a_session_gets_its_servers_with_the_secrets_and_nobody_else_sees_them(on_forge: OnForge, tmp_path: Path) -> None:
    configured(tmp_path / "home")

    async def scenario(site: Site) -> None:
        key = {"type": "api_key", "values": {"api_key": CANARY}}
        assert (await site.http.put("/api/v1/credentials/github", json=key)).status_code == 200
        kept = await site.http.put("/api/v1/secrets/search", json={"values": {"token": CANARY}, "note": "for search"})
        assert (kept.status_code, kept.json()["keys"], kept.headers["etag"]) == (200, ["token"], '"1"')
        session = await new(site, mcp_servers=["github"])
        await site.until(session["id"], "running")
        spec = site.pods.specs[UUID(session["id"])]
        github, search = sorted(spec.mcp_servers, key=lambda one: one.name)
        assert (github.env, github.args) == ({"TOKEN": CANARY, "MODE": "fast"}, ("-y", "server"))
        assert search.headers == {"Authorization": f"Bearer {CANARY}"}
        shown = [
            (await site.http.get(path)).text
            for path in ("/api/v1/mcp-servers", "/api/v1/secrets", "/api/v1/secrets/search", f"/api/v1/sessions/{session['id']}")
        ]
        assert not any(CANARY in text for text in shown)
        assert CANARY not in repr(spec)
        assert not any(CANARY.encode() in file.read_bytes() for file in site.home.rglob("*") if file.is_file())

    on_forge(scenario)


def test_servers_are_listed_by_name_and_without_values(tmp_path: Path) -> None:
    configured(tmp_path / "home")

    async def scenario(site: Site) -> None:
        page = (await site.http.get("/api/v1/mcp-servers", params={"limit": 1})).json()
        (github,) = page["items"]
        assert (github["name"], github["kind"], github["variables"]) == ("github", "program", ["MODE", "TOKEN"])
        assert (github["needs"], github["default"]) == (["credential:github"], False)
        (search,) = (await site.http.get("/api/v1/mcp-servers", params={"cursor": page["next"]})).json()["items"]
        assert (search["url"], search["headers"], search["needs"]) == (
            "https://search.example/mcp",
            ["Authorization"],
            ["secret:search"],
        )
        assert (await site.http.get("/api/v1/mcp-servers/nothing")).status_code == 404

    in_forge(tmp_path, scenario)


def test_a_server_there_is_not_or_a_secret_there_is_not_stops_the_session_with_the_reason(tmp_path: Path) -> None:
    configured(tmp_path / "home", '[mcp_servers.a]\ncommand = "a"\nenv = { K = "${secret:none.key}" }\n')

    async def scenario(site: Site) -> None:
        refused = await new(site, 422, mcp_servers=["b"])
        assert (refused["detail"], refused["hint"]) == ("There is no tool server named 'b'.", "There is: a.")
        session = await new(site, mcp_servers=["a"])
        failed = await site.until(session["id"], "failed")
        assert "needs the secret 'none', which there is not" in str(failed["error"])
        await site.http.put("/api/v1/secrets/none", json={"values": {"other": "x"}})
        await site.http.post(f"/api/v1/sessions/{session['id']}/start")
        failed = await site.until(session["id"], "failed")
        assert str(failed["hint"]) == "It has: other."

    in_forge(tmp_path, scenario)


def test_secrets_are_kept_changed_once_and_deleted(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        path = "/api/v1/secrets/box"
        first = {"if-match": '"0"'}
        assert (await site.http.put(path, json={"values": {"a": "1"}}, headers=first)).status_code == 200
        assert (await site.http.put(path, json={"values": {"a": "2"}}, headers=first)).status_code == 412
        assert (await site.http.get("/api/v1/credentials", params={"scope": "tenant"})).json()["items"] == []
        assert [one["name"] for one in (await site.http.get("/api/v1/secrets")).json()["items"]] == ["box"]
        for _ in range(2):
            assert (await site.http.delete(path)).status_code == 204
        assert (await site.http.get(path)).status_code == 404
        assert (await site.http.put("/api/v1/secrets/Wrong Name", json={"values": {"a": "1"}})).status_code == 422

    on_forge(scenario)


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({}, "needs a command or a url"),
        ({"command": "a", "url": "http://b"}, "not both"),
        ({"url": "ftp://b"}, "must begin with http"),
        ({"command": "a", "args": "b"}, "args must be texts"),
        ({"command": "a", "env": {"A": 1}}, "env must be texts"),
        ({"command": "a", "token": "b"}, "cannot have 'token'"),
        ({"command": "a", "default": "yes"}, "default is true or false"),
        ({"url": "https://"}, "name a host"),
        ({"url": "https://[x"}, "no address"),
        ({"url": "https://ada:pass@b"}, "a user or a password"),
        ({"url": "https://b?key=${secret:b.key}"}, "where others see it"),
        ({"command": "a", "args": ["--key=${credential:b.key}"]}, "where others see it"),
        ({"command": "a", "env": {"KEY": "${credential:GitHub.key}"}}, "KEY that names no secret"),
        ({"url": "https://b", "headers": {"K": "Bearer ${secrets:b}"}}, "K that names no secret"),
    ],
)
def test_a_section_that_makes_no_server_is_refused(section: Mapping[str, object], reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        SettingsMcpServers({"x": section})


def test_the_file_for_agents_stands_among_the_sessions_secret_files_alone(tmp_path: Path) -> None:
    server = McpServer(name="a", command="run", args=("--key=${mounts}/k",), env={"K": "${mounts}/k"})
    address = McpServer(name="b", url="https://x", headers={"H": "v"})
    spec = SessionSpec(session_id="s", name="n", agent="a", mcp_servers=(server, address))
    mounts.write(tmp_path / "s", spec)
    place = tmp_path / "s" / mounts.FOLDER
    written = json.loads((place / mounts.SERVERS).read_text())["mcpServers"]
    assert written["a"] == {"type": "stdio", "command": "run", "args": [f"--key={place}/k"], "env": {"K": f"{place}/k"}}
    assert written["b"] == {"type": "http", "url": "https://x", "headers": {"H": "v"}}
    assert (place / mounts.SERVERS).stat().st_mode & 0o777 == 0o600
    mounts.write(tmp_path / "s", SessionSpec(session_id="s", name="n", agent="a"))
    assert not place.exists()


def test_codex_is_told_names_in_its_arguments_and_values_in_its_variables() -> None:
    given = [
        McpServer(name="a", command="run", args=("x",), env={"K": CANARY}),
        McpServer(name="b", url="https://x", headers={"X-Key": CANARY}),
    ]
    words, env = servers.arguments(given)
    assert CANARY not in " ".join(words)
    assert env == {"K": CANARY, "MCP_B_X_KEY": CANARY}
    assert 'mcp_servers.b.env_http_headers={"X-Key" = "MCP_B_X_KEY"}' in words
    assert servers.overrides(given)["mcp_servers.b"] == {"url": "https://x", "http_headers": {"X-Key": CANARY}}
    with pytest.raises(Invalid, match="variable K"):
        servers.arguments([given[0], McpServer(name="c", command="run", env={"K": "another"})])
