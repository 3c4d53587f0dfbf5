"""Going on with the work of a chronicle in a new session."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.forge import Site as ForgeSite
from tests.forge import in_forge


def test_reforging_goes_on_with_the_work_in_a_new_session(tmp_path: Path) -> None:
    async def scenario(site: ForgeSite) -> None:
        async def made(**more: object) -> dict[str, Any]:
            body = {"name": "mend-login", "agent": "demo", "options": {"env": {"A": "b"}, "mode": "plan"}, **more}
            answer = await site.http.post("/api/v1/sessions", json=body)
            assert answer.status_code == 201, answer.text
            return dict(answer.json())

        old = await made()
        await site.until(old["id"], "running")
        told = await site.http.post("/api/v1/chronicles", json={"session_id": old["id"]})
        chronicle = told.json()
        said = {"summary": "Mend it.", "unfinished_work": ["the tests"], "key_changes": ["login.py"]}
        await site.http.patch(f"/api/v1/chronicles/{chronicle['id']}", json=said)
        path = f"/api/v1/chronicles/{chronicle['id']}/reforge"
        again = await site.http.post(path, json={"prompt": "Be quick.", "start": True})
        assert again.status_code == 201, again.text
        new = again.json()
        assert (new["name"], new["agent"], new["options"]["mode"]) == ("mend-login-2", "demo", "plan")
        assert new["options"]["parent_chronicle"] == chronicle["id"]
        assert new["source"]["path"] == (await site.until(old["id"], "running"))["workspace"]
        options = (await site.http.get(f"/api/v1/sessions/{new['id']}/options")).json()
        assert options["env"] == {"A": "b"}
        for words in ("Mend it.", "- the tests", "- login.py", "Be quick."):
            assert words in options["initial_prompt"]
        await site.until(new["id"], "running")
        assert site.pods.specs[UUID(new["id"])].initial_prompt == options["initial_prompt"]
        chain = (await site.http.get(f"/api/v1/chronicles/{chronicle['id']}/chain")).json()["items"]
        assert [(one["name"], one["parent_chronicle_id"]) for one in chain] == [
            ("mend-login", None),
            ("mend-login-2", chronicle["id"]),
        ]
        third = await asyncio.gather(*(site.http.post(path, json={}) for _ in range(3)))
        assert sorted(one.json()["name"] for one in third) == ["mend-login-3", "mend-login-4", "mend-login-5"]
        assert (await site.http.post(path, json={"name": "mend-login"})).status_code == 409
        for one in [new, *(answer.json() for answer in third), old]:
            assert (await site.http.delete(f"/api/v1/sessions/{one['id']}")).status_code == 204
        orphan = await site.http.post(path, json={"name": "from-nothing"})
        assert (orphan.status_code, orphan.json()["source"]) == (201, {"type": "empty"})

    in_forge(tmp_path, scenario)


def test_reforging_takes_the_branch_that_the_old_session_left(tmp_path: Path) -> None:
    async def scenario(site: ForgeSite) -> None:
        repo = tmp_path / "repo"
        await _git(tmp_path, "init", "-q", "-b", "main", str(repo))
        await _git(repo, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "one")
        source = {"type": "local", "path": str(repo)}
        body = {"name": "work", "agent": "demo", "source": source, "start": True}
        old = (await site.http.post("/api/v1/sessions", json=body)).json()
        old = await site.until(old["id"], "running")
        assert old["branch"] == "volundr/work"
        place = Path(str(old["workspace"]))
        await _git(place, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "two")
        chronicle = (await site.http.post("/api/v1/chronicles", json={"session_id": old["id"]})).json()
        await site.http.delete(f"/api/v1/sessions/{old['id']}")
        path = f"/api/v1/chronicles/{chronicle['id']}/reforge"
        new = (await site.http.post(path, json={"start": True})).json()
        assert new["source"] == {**source, "mode": "worktree", "branch": "volundr/work"}
        running = await site.until(new["id"], "running")
        assert await _git(Path(str(running["workspace"])), "log", "-1", "--format=%s") == "two"
        await _git(repo, "branch", "-D", "volundr/work")
        other = (await site.http.post(path, json={})).json()
        assert other["source"]["branch"] == ""

    in_forge(tmp_path, scenario)


async def _git(folder: Path, *argv: str) -> str:
    process = await asyncio.create_subprocess_exec("git", *argv, cwd=folder, stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, argv
    return said.decode().strip()
