"""The web UI's files as browsers get them."""

import asyncio
import gzip
from pathlib import Path

import httpx

from volundr.api.webui import WebUI


def get(folder: Path, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    async def main() -> httpx.Response:
        transport = httpx.ASGITransport(WebUI(folder))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return await http.request(method, path, headers={"accept-encoding": "identity", **headers})

    return asyncio.run(main())


def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Volundr</title>")
    (tmp_path / "assets" / "app-1a2b3c.js").write_text("let a = 1;" * 100)
    return tmp_path


def test_every_path_of_the_ui_is_its_page_with_a_strict_policy(tmp_path: Path) -> None:
    folder = built(tmp_path)
    for path in ("/", "/sessions/42", "/login"):
        answer = get(folder, path)
        assert "<title>Volundr" in answer.text
        assert answer.headers["content-type"].startswith("text/html")
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-cache"


def test_files_with_a_hash_in_their_name_are_kept_for_ever_and_travel_compressed(tmp_path: Path) -> None:
    folder = built(tmp_path)
    plain = get(folder, "/assets/app-1a2b3c.js")
    packed = get(folder, "/assets/app-1a2b3c.js", **{"accept-encoding": "gzip"})
    assert plain.headers["cache-control"].endswith("immutable")
    assert packed.headers["content-encoding"] == "gzip" and packed.text == plain.text
    assert int(packed.headers["content-length"]) < len(plain.content) == len(gzip.decompress(gzip.compress(plain.content)))


def test_what_a_browser_has_is_not_sent_again(tmp_path: Path) -> None:
    folder = built(tmp_path)
    tag = get(folder, "/").headers["etag"]
    assert get(folder, "/", **{"if-none-match": tag}).status_code == 304
    assert get(folder, "/", **{"if-none-match": '"another"'}).status_code == 200


def test_a_file_that_is_not_there_is_no_page(tmp_path: Path) -> None:
    folder = built(tmp_path)
    for path in ("/assets/gone.js", "/favicon.ico", "/../secret.txt", "/assets/%2e%2e/%2e%2e/etc/passwd"):
        assert get(folder, path).status_code == 404, path
    assert get(folder, "/", method="POST").status_code == 405


def test_a_copy_without_a_built_ui_says_so(tmp_path: Path) -> None:
    answer = get(tmp_path, "/")
    assert answer.status_code == 503 and "build.py ui" in answer.text
