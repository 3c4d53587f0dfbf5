"""The web UI: static files, and index.html for every path that the UI itself understands."""

import mimetypes
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
COMPRESSED = {".js", ".css", ".html", ".svg", ".json", ".webmanifest"}
MISSING = """<!doctype html><title>Volundr</title><h1>The web UI was not built</h1>
<p>This copy of Volundr lacks the folder <code>webui_dist</code>. In a checkout, run <code>python3 build.py ui</code>.</p>"""


class WebUI:
    """An ASGI app over a folder that does not change while we run. What it serves is kept in memory, compressed once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, tuple[bytes, bytes | None, str, str]] = {}

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(str(path.relative_to(self._folder)) for path in self._folder.rglob("*") if path.is_file())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await self._answer(request)(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return Response(status_code=405, headers={"allow": "GET, HEAD"})
        name = request.url.path.lstrip("/")
        if name == "reference":  # the interactive reference of the API is a page of its own
            name = "reference.html"
        if name not in self._names:
            if name.startswith("assets/") or "." in name.rpartition("/")[2]:
                return Response("Not found", status_code=404, media_type="text/plain")
            name = "index.html"
        if name not in self._names:
            return HTMLResponse(MISSING, status_code=503, headers={"content-security-policy": POLICY})
        return self._file(request, name)

    def _file(self, request: Request, name: str) -> Response:
        plain, packed, kind, tag = self._load(name)
        forever = name.startswith("assets/")
        headers = {
            "etag": tag,
            "cache-control": "public, max-age=31536000, immutable" if forever else "no-cache",
            "content-security-policy": POLICY,
            "vary": "accept-encoding",
        }
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        if packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            return Response(packed, media_type=kind, headers=headers | {"content-encoding": "gzip"})
        return Response(plain, media_type=kind, headers=headers)

    def _load(self, name: str) -> tuple[bytes, bytes | None, str, str]:
        if name not in self._kept:
            import gzip  # not needed until somebody opens the UI

            plain = (self._folder / name).read_bytes()
            packed = gzip.compress(plain, 6, mtime=0) if Path(name).suffix in COMPRESSED else None
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            self._kept[name] = (plain, packed, kind, f'"{sha256(plain).hexdigest()[:20]}"')
        return self._kept[name]
