"""What administrators set while the forge runs, and what there is for sessions."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OnForge
from tests.forge import Site, forge_in, in_forge
from volundr.domain.errors import Invalid
from volundr.domain.resources import ResourceKind, ResourceReport, amount, fitting
from volundr.local.resources import MachineResources

SETTINGS = "/api/v1/admin/settings"


async def made(site: Site, status: int = 201, **values: Any) -> dict[str, Any]:
    given = {"name": "one", "source": {"type": "empty"}, "start": False} | values
    answer = await site.http.post("/api/v1/sessions", json=given)
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def test_a_session_that_names_no_agent_gets_the_forges(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        await made(site, 422)
        changed = await site.http.patch(SETTINGS, json={"default_agent": "claude", "default_model": "opus"})
        assert (changed.status_code, changed.headers["etag"], changed.json()["updated_by"]) == (200, '"1"', "local")
        session = await made(site)
        assert (session["agent"], session["model"]) == ("claude", "opus")
        other = await made(site, name="two", agent="codex")
        assert (other["agent"], other["model"]) == ("codex", "")
        assert (await site.http.patch(SETTINGS, json={"default_agent": "nobody"})).status_code == 422

    on_forge(scenario)


def test_a_forge_that_is_closed_says_so_and_opens_again(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        session = await made(site, agent="claude")
        note = {"accepts_sessions": False, "announcement": "Upgrade at 18:00."}
        assert (await site.http.patch(SETTINGS, json=note)).status_code == 200
        refused = await site.http.post(f"/api/v1/sessions/{session['id']}/start")
        assert (refused.status_code, refused.json()["hint"]) == (409, "Upgrade at 18:00.")
        await made(site, 409, name="two", agent="claude")
        assert (await site.http.get("/api/v1/me")).json()["announcement"] == "Upgrade at 18:00."
        assert (await site.http.patch(SETTINGS, json={"accepts_sessions": True, "announcement": ""})).status_code == 200
        assert (await site.http.post(f"/api/v1/sessions/{session['id']}/start")).status_code == 200

    on_forge(scenario)


def test_two_who_change_settings_at_once_do_not_overwrite_each_other(on_forge: OnForge) -> None:
    async def scenario(site: Site) -> None:
        changes = [
            site.http.patch(SETTINGS, json={"announcement": str(number)}, headers={"if-match": '"0"'}) for number in range(8)
        ]
        assert sorted(one.status_code for one in await asyncio.gather(*changes)) == [200, *[412] * 7]

    on_forge(scenario)


def test_settings_of_the_forge_are_its_administrators(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with forge_in(tmp_path / "home", server=True) as site:
            await site.http.post("/api/v1/tenants", json={"id": "team", "name": "Team"})
            there = {"volundr-tenant": "team"}
            assert (await site.http.patch(SETTINGS, json={"announcement": "x"}, headers=there)).status_code == 403
            assert (await site.http.patch(SETTINGS, json={"announcement": "x"})).status_code == 200

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("text", "number"), [("2", 2), ("500m", 0.5), ("1.5", 1.5), ("4Gi", 4 * 2**30), ("1k", 1000), (" 7 ", 7)]
)
def test_amounts_are_read_as_people_write_them(text: str, number: float) -> None:
    assert amount("cpu", text) == number


@pytest.mark.parametrize("text", ["", "much", "-1", "1e9", "4gib", "1 Gi", "0x10", "9" * 40])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="no amount"):
        amount("memory", text)


def test_more_than_there_is_is_refused_with_what_there_is() -> None:
    kinds = (
        ResourceKind(name="cpu", unit="cores", capacity=4.0, most=2.0),
        ResourceKind(name="memory", unit="bytes", capacity=2.0**32),
        ResourceKind(name="gpu", unit="devices", capacity=None),
    )
    report = ResourceReport(place="this machine", held=False, kinds=kinds)
    assert fitting(report, {"cpu": "2", "memory": "4Gi", "gpu": "8"}) == {"cpu": "2", "memory": "4Gi", "gpu": "8"}
    for wanted, reason in (
        ({"cpu": "2500m"}, "There is 2 of cpu in this machine; 2500m were asked for"),
        ({"memory": "5Gi"}, "There is 4.0 GiB of memory"),
        ({"gpu": "0.5"}, "no number of gpu devices"),
        ({"disk": "1"}, "no 'disk' to ask for"),
    ):
        with pytest.raises(Invalid, match=reason):
            fitting(report, wanted)


def test_the_machine_says_what_it_has(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        found = (await site.http.get("/api/v1/resources")).json()
        kinds = {kind["name"]: kind for kind in found["kinds"]}
        assert kinds["cpu"]["capacity"] >= 1
        assert 0 < kinds["memory"]["free"] < kinds["memory"]["capacity"]
        assert found["held"] is False
        refused = await made(site, 422, agent="claude", options={"resources": {"memory": "900Ti"}})
        assert "of memory in this machine" in refused["detail"]
        session = await made(site, agent="claude", options={"resources": {"cpu": "500m"}})
        assert session["options"]["resources"] == {"cpu": "500m"}

    in_forge(tmp_path, scenario)


def test_gpus_are_those_that_their_tool_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'NVIDIA L4, 23034 MiB'\necho 'NVIDIA L4, 23034 MiB'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    kinds = {kind.name: kind for kind in asyncio.run(MachineResources().discover()).kinds}
    assert (kinds["gpu"].capacity, kinds["gpu"].details[0]) == (2.0, "NVIDIA L4, 23034 MiB")
