"""Files that people send along with a message: in the session's folder, named by what is in them."""

import asyncio
import base64
import hashlib
import json
import os
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from volundr.broker.events import Attached, Command, Say, Steer
from volundr.broker.parts import Attachment
from volundr.domain.errors import Invalid, NotFound, Unavailable

LARGEST = 32 * 1024 * 1024
LARGEST_IMAGE = 5 * 1024 * 1024
"""Beyond this a model's API takes no image; it is named by its path then."""
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_ID = re.compile(r"[0-9a-f]{32}")
_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")


class Attachments:
    """`folder` is made with the first upload. A file lies at `<id>/<name>`, so that an agent sees a telling name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def add(self, name: str, media_type: str, body: AsyncIterator[bytes]) -> Attachment:
        """Store an upload, durably. Raises Invalid when it is too large or empty, Unavailable when the disk does not take it."""
        pieces: list[bytes] = []
        size = 0
        async for piece in body:
            size += len(piece)
            if size > LARGEST:
                raise Invalid(f"This file is too large: at most {LARGEST // 1024 // 1024} MiB can go with a message.")
            pieces.append(piece)
        if not size:
            raise Invalid("This file is empty.")
        try:
            return await asyncio.to_thread(self._store, name, media_type, b"".join(pieces))
        except OSError as error:
            raise Unavailable(f"The file cannot be stored: {error.strerror}.", hint="Is there room on the disk?") from error

    def find(self, ids: Sequence[str]) -> Sequence[Attachment]:
        """What is known of these. Raises NotFound for one that was never stored."""
        return [self._about(one) for one in ids]

    def path(self, about: Attachment) -> Path:
        return self._folder / about.id / about.name

    async def fill(self, command: Command) -> Command:
        """The command with its files' places, and images as data. A file that is gone is left out."""
        match command:
            case Say(attached=attached) if attached:
                return replace(command, attached={name: await self._fill(files) for name, files in attached.items()})
            case Steer(attached=files) if files:
                return replace(command, attached=await self._fill(files))
            case _:
                return command

    async def _fill(self, files: Sequence[Attached]) -> Sequence[Attached]:
        return await asyncio.to_thread(lambda: [full for one in files if (full := self._full(one.about)) is not None])

    def _full(self, about: Attachment) -> Attached | None:
        path = self.path(about)
        try:
            size = path.stat().st_size
            image = about.media_type in IMAGES and size <= LARGEST_IMAGE
            return Attached(about=about, path=str(path), data=base64.b64encode(path.read_bytes()).decode() if image else "")
        except FileNotFoundError:
            return None

    def _about(self, name: str) -> Attachment:
        if not _ID.fullmatch(name):
            raise NotFound("There is no such attachment.")
        try:
            return Attachment(**json.loads((self._folder / name / ".about").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            raise NotFound("There is no such attachment.", hint="Upload the file again.") from None

    def _store(self, name: str, media_type: str, data: bytes) -> Attachment:
        plain = _PLAIN.sub("-", Path(name.replace("\\", "/")).name).strip("-.")[-100:] or "file"
        digest = hashlib.sha256(f"{plain}\0{media_type}\0".encode() + data).hexdigest()[:32]
        about = Attachment(id=digest, name=plain, media_type=media_type[:100], size=len(data))
        place = self._folder / digest
        if (place / ".about").exists():
            return about
        new = self._folder / f".new-{secrets.token_hex(8)}"
        new.mkdir(parents=True, mode=0o700)
        _write(new / plain, data)
        _write(new / ".about", json.dumps(asdict(about)).encode())
        new.rename(place)
        return about


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
