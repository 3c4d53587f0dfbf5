"""`/s/{id}/attachments`: files that go with a message."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse

from volundr.broker.parts import Attachment
from volundr.broker.routes.entry import Entered

router = APIRouter(prefix="/s/{session_id}", tags=["Session files"])


@router.post("/attachments", status_code=201, name="skuld_attach")
async def attach(broker: Entered, request: Request, name: Annotated[str, Query(min_length=1, max_length=255)]) -> Attachment:
    """Upload a file; its `id` then goes into a `send` frame. The body is the file, its `Content-Type` the file's own."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip() or "application/octet-stream"
    return await broker.attachments.add(name, media_type, request.stream())


@router.get("/attachments/{attachment_id}", name="skuld_attachment", response_class=FileResponse)
async def attachment(broker: Entered, attachment_id: str) -> FileResponse:
    """The file, never to be run by a browser: images are shown, everything else is saved."""
    [about] = broker.attachments.find([attachment_id])
    image = about.media_type in {"image/png", "image/jpeg", "image/gif", "image/webp"}
    return FileResponse(
        broker.attachments.path(about),
        media_type=about.media_type if image else "application/octet-stream",
        filename=about.name,
        content_disposition_type="inline" if image else "attachment",
        headers={
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "private, max-age=31536000, immutable",
        },
    )
