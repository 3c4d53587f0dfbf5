"""/git, /tracker and /integrations through HTTP."""

from pathlib import Path

from tests.forge import Site, in_forge
from tests.test_hosts import bare


def test_branches_of_a_repository_are_listed(tmp_path: Path) -> None:
    remote = bare(tmp_path)

    async def scenario(site: Site) -> None:
        found = await site.http.get("/api/v1/git/branches", params={"url": f"file://{remote}"})
        assert [one["name"] for one in found.json()["items"]] == ["main", "a", "b"]
        one = await site.http.get("/api/v1/git/repository", params={"url": str(remote)})
        assert one.json()["default_branch"] == "main"
        wrong = await site.http.get("/api/v1/git/branches", params={"url": "ext::sh -c id"})
        assert wrong.status_code == 422
        assert "Volundr does not fetch" in wrong.json()["detail"]

    in_forge(tmp_path, scenario)


def test_without_a_connected_host_that_is_said(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        listed = await site.http.get("/api/v1/git/repositories")
        assert listed.json() == {"items": [], "next": None, "providers": [{"name": "git", "problem": ""}]}
        for path in ("/api/v1/git/pull-requests", "/api/v1/git/pull-requests/1", "/api/v1/git/pull-requests/1/checks"):
            answer = await site.http.get(path, params={"repo": "https://h.example/o/n"})
            assert answer.status_code == 409
            assert "No git host is connected" in answer.json()["detail"]
            assert "Integrations" in answer.json()["hint"]
        issues = await site.http.get("/api/v1/tracker/issues")
        assert issues.status_code == 409
        assert (await site.http.get("/api/v1/tracker/status")).json() == {"items": []}

    in_forge(tmp_path, scenario)


def test_a_pull_request_needs_a_clone(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        made = (await site.http.post("/api/v1/sessions", json={"name": "s", "agent": "demo", "start": False})).json()
        answer = await site.http.post("/api/v1/git/pull-requests", json={"session_id": made["id"]})
        assert answer.status_code == 422
        assert "clone" in answer.json()["detail"]

    in_forge(tmp_path, scenario)


def test_confidence_says_its_parts(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        change = {"tests_pass": True, "lines_changed": 400, "files_changed": 3}
        found = (await site.http.post("/api/v1/git/confidence", json=change)).json()
        assert found["action"] == "review"
        assert found["factors"]["lines"] == 0.5

    in_forge(tmp_path, scenario)


def test_mappings_have_revisions(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        made = await site.http.post("/api/v1/tracker/mappings", json={"repo": "r", "provider": "p", "project": "A"})
        assert (made.status_code, made.headers["etag"]) == (201, '"1"')
        again = await site.http.post("/api/v1/tracker/mappings", json={"repo": "r", "provider": "p", "project": "B"})
        assert again.status_code == 409
        path = f"/api/v1/tracker/mappings/{made.json()['id']}"
        changed = await site.http.patch(path, json={"project": "B"}, headers={"if-match": '"1"'})
        assert (changed.json()["project"], changed.headers["etag"]) == ("B", '"2"')
        stale = await site.http.patch(path, json={"project": "C"}, headers={"if-match": '"1"'})
        assert stale.status_code == 412
        assert (await site.http.patch(path, json={"project": "C"}, headers={"if-match": "x"})).status_code == 422
        for _ in range(2):
            assert (await site.http.delete(path)).status_code == 204
        assert (await site.http.get(path)).status_code == 404

    in_forge(tmp_path, scenario)


def test_the_catalog_shows_what_can_be_connected(tmp_path: Path) -> None:
    async def scenario(site: Site) -> None:
        catalog = (await site.http.get("/api/v1/integrations/catalog")).json()["items"]
        assert {"anthropic", "openai"} <= {one["slug"] for one in catalog}

    in_forge(tmp_path, scenario)
