"""/admin/settings"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from volundr.api.deps import service
from volundr.api.revisions import IfMatch, tag
from volundr.api.security import allowed
from volundr.api.strict import Shown, Strict, Text
from volundr.domain.admin_settings import AdminSettings, AdminSettingsService
from volundr.domain.identity import Principal

router = APIRouter(prefix="/api/v1/admin/settings", tags=["Admin"])

Settings = Annotated[AdminSettingsService, Depends(service(AdminSettingsService))]


class AdminSettingsChange(Strict):
    """A field that is left out, or null, stays as it is."""

    default_agent: Annotated[Text, Field(max_length=64)] | None = Field(default=None, examples=["claude"])
    default_model: Annotated[Text, Field(max_length=100)] | None = None
    accepts_sessions: bool | None = Field(default=None, description="False: none is created or started, those that run go on.")
    announcement: Annotated[Text, Field(max_length=2000)] | None = Field(
        default=None, description="Shown to everybody; empty: none.", examples=["Upgrade at 18:00 UTC."]
    )


class AdminSettingsOut(Shown):
    default_agent: str = Field(description="For sessions that name none; a default preset or profile goes before it.")
    default_model: str
    accepts_sessions: bool
    announcement: str
    revision: int
    updated_by: str
    updated_at: datetime


@router.get("")
async def get_admin_settings(
    response: Response, _: Annotated[Principal, Depends(allowed("setting.read"))], settings: Settings
) -> AdminSettingsOut:
    """What administrators change while the forge runs. What it is started with is in its settings file."""
    return _shown(response, await settings.get())


@router.patch("")
async def change_admin_settings(
    response: Response,
    who: Annotated[Principal, Depends(allowed("setting.write"))],
    settings: Settings,
    change: AdminSettingsChange,
    seen: IfMatch,
) -> AdminSettingsOut:
    """Holds for every worker from the next request on."""
    changes = {name: value for name, value in change.model_dump(exclude_unset=True).items() if value is not None}
    return _shown(response, await settings.change(who, changes, seen))


def _shown(response: Response, settings: AdminSettings) -> AdminSettingsOut:
    tag(response, settings.revision)
    return AdminSettingsOut.model_validate(settings)
