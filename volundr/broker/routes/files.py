"""`/s/{id}/files`: the files of a session's workspace, and of its agent's home where that is offered."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from volundr.broker.broker import Broker
from volundr.broker.files import content, tree
from volundr.broker.files.roots import Access, RootName, root_folder
from volundr.broker.files.tree import FileEntry, Listing
from volundr.broker.routes.entry import Entered
from volundr.domain.errors import Invalid

router = APIRouter(prefix="/s/{session_id}", tags=["Session files"])

PIECE = 256 * 1024
_SHOWN = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".avif": "image/avif",
    ".txt": "text/plain; charset=utf-8",
}
"""What a browser may know the type of: nothing that could run here."""
_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


class FolderToMake(BaseModel):
    """A folder to make, with those it is in."""

    model_config = ConfigDict(extra="forbid")
    root: RootName = "workspace"
    path: str


class ToRename(BaseModel):
    """`to` is the whole new path, beneath the same root."""

    model_config = ConfigDict(extra="forbid")
    root: RootName = "workspace"
    path: str
    to: str


def find_root(request: Request, broker: Broker, root: RootName) -> Path:
    """The folder behind this root of the session, as far as this Skuld offers it (`app.state.file_access`)."""
    access: Access = getattr(request.app.state, "file_access", Access())
    return root_folder(root, broker.spec.workspace, broker.spec.env, access)


def asked_root(request: Request, broker: Entered, root: RootName = "workspace") -> Path:
    return find_root(request, broker, root)


type Root = Annotated[Path, Depends(asked_root)]


@router.get("/files", name="skuld_files")
async def list_files(
    root: Root,
    path: str = "",
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=5000)] = tree.MOST_ENTRIES,
) -> Listing:
    """What is in a folder, folders first. Links are listed as links, with where they point."""
    return await asyncio.to_thread(tree.listing, root, path, cursor, limit)


@router.get("/files/content", name="skuld_read_file", response_class=StreamingResponse)
async def read_file(request: Request, root: Root, path: str) -> Response:
    """The bytes of a regular file. The `ETag` is its revision; one range is honoured."""
    opened = await asyncio.to_thread(content.open_file, root, path)
    about = opened.entry
    tag = f'"{about.revision}"'
    headers = _headers(about.name, tag)
    if tag in request.headers.get("if-none-match", ""):
        opened.file.close()
        return Response(status_code=304, headers=headers)
    begin, end, status = 0, about.size, 200
    wanted = _RANGE.fullmatch(request.headers.get("range", "")[:60].strip())
    if wanted and any(wanted.groups()) and request.headers.get("if-range", tag) == tag:
        found = _range(wanted[1], wanted[2], about.size)
        if found is None:
            opened.file.close()
            return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{about.size}"})
        begin, end = found
        status = 206
        headers["Content-Range"] = f"bytes {begin}-{end - 1}/{about.size}"
    headers["Content-Length"] = str(end - begin)
    return _FileResponse(opened.file, begin, end, headers, status)


@router.put("/files/content", name="skuld_write_file")
async def write_file(request: Request, root: Root, path: str) -> FileEntry:
    """Replace a file by the body, or make it. `If-Match: <revision>` or `If-None-Match: *` make it 409 when that is not so."""
    head = request.headers
    length = head.get("content-length", "0")
    if not length.isdecimal() or int(length) > content.LARGEST:
        raise Invalid(f"This file is too large: at most {content.LARGEST // 1024 // 1024} MiB can be written.")
    if head.get("if-none-match", "*") != "*":
        raise Invalid("If-None-Match can only be * here.")
    wanted = head.get("if-match", "").strip().removeprefix("W/").strip('"')
    condition = content.Condition(revision=wanted, new="if-none-match" in head)
    return await content.write(root, path, request.stream(), condition)


@router.post("/files/folder", status_code=201, name="skuld_make_folder")
async def make_folder(request: Request, broker: Entered, asked: FolderToMake) -> FileEntry:
    return await asyncio.to_thread(tree.make_folder, find_root(request, broker, asked.root), asked.path)


@router.post("/files/rename", name="skuld_rename_file")
async def rename(request: Request, broker: Entered, asked: ToRename) -> FileEntry:
    """Rename or move; 409 when there is something of that name already."""
    return await asyncio.to_thread(tree.rename, find_root(request, broker, asked.root), asked.path, asked.to)


@router.delete("/files", status_code=204, name="skuld_delete_file")
async def delete(root: Root, path: str, recursive: bool = False) -> None:
    """Delete a file, a link or a folder; a folder that is not empty only with `recursive`."""
    await asyncio.to_thread(tree.delete, root, path, recursive=recursive)


def _headers(name: str, tag: str) -> dict[str, str]:
    """Whatever a repository holds, it is never run in the forge's own origin."""
    suffix = Path(name).suffix.lower()
    return {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Type": _SHOWN.get(suffix, "application/octet-stream"),
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }


def _range(first: str, last: str, size: int) -> tuple[int, int] | None:
    """From and up to (exclusive), None for a range that holds nothing."""
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1) if last else size
    return (begin, end) if begin < end else None


class _FileResponse(StreamingResponse):
    """Owns the open file: it is closed whatever becomes of the request."""

    def __init__(self, file: FileIO, begin: int, end: int, headers: Mapping[str, str], status: int) -> None:
        self._file, self._at, self._end = file, begin, end
        super().__init__(self._pieces(), status, headers)

    async def _pieces(self) -> AsyncIterator[bytes]:
        await asyncio.to_thread(self._file.seek, self._at)
        while self._at < self._end:
            piece = await asyncio.to_thread(self._file.read, min(PIECE, self._end - self._at))
            if not piece:
                break
            self._at += len(piece)
            yield piece

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._file.close()
