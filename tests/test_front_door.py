"""The forge as app.py puts it together: no part of it answers to a foreign name or page."""

from pathlib import Path

from tests import forge
from tests.lobby import SESSION
from volundr.document import openapi_document


def test_the_whole_forge_answers_to_its_own_names_only(tmp_path: Path) -> None:
    async def scenario(site: forge.Site) -> None:
        paths = ["/", "/login", "/assets/x.js", "/healthz", "/readyz", f"/s/{SESSION}/health", "/api/v1/me", "/api/v1/nothing"]
        paths += [path.replace("{session_id}", str(SESSION)) for path in openapi_document()["paths"] if path.startswith("/api")]
        for path in paths:
            for sent in ({"host": "evil.example"}, {"origin": "http://evil.example"}):
                answer = await site.http.get(path, headers=sent)
                assert answer.status_code in {421, 403}, (path, sent)
                assert answer.headers["content-type"] == "application/problem+json"

    forge.in_forge(tmp_path, scenario)
