"""/presets"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.profiles import MannerOut
from volundr.api.revisions import IfMatch, tag
from volundr.api.security import allowed, permit
from volundr.api.strict import Strict, Text
from volundr.domain.errors import Forbidden, NotFound
from volundr.domain.identity import Principal, Resource
from volundr.domain.presets import Preset, PresetService, Scope, Sight, of_preset

router = APIRouter(prefix="/api/v1/presets", tags=["Presets"])

Reader = Annotated[Principal, Depends(allowed("preset.read"))]
Writer = Annotated[Principal, Depends(allowed("preset.write"))]
Presets = Annotated[PresetService, Depends(service(PresetService))]
Word = Annotated[Text, Field(max_length=255)]
Title = Annotated[Text, Field(min_length=1, max_length=255)]
LongText = Annotated[Text, Field(max_length=100_000)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
Variables = Annotated[dict[VariableName, Annotated[Text, Field(max_length=10_000)]], Field(max_length=200)]
Amounts = Annotated[dict[Annotated[Text, Field(max_length=64)], Annotated[Text, Field(max_length=64)]], Field(max_length=20)]
Names = Annotated[tuple[Word, ...], Field(max_length=100)]


class PresetIn(Strict):
    """What is empty is left open. Secrets belong into credentials, never into `env`."""

    name: Title = Field(examples=["careful"])
    description: Annotated[Text, Field(max_length=2000)] = ""
    shared: bool = Field(default=False, description="Others of your tenant may see and use it.")
    is_default: bool = Field(default=False, description="For your sessions that name no preset.")
    agent: Annotated[Text, Field(max_length=64)] = Field(default="", examples=["claude"])
    model: Annotated[Text, Field(max_length=100)] = ""
    mode: Annotated[Text, Field(max_length=64)] = ""
    thinking: Annotated[Text, Field(max_length=64)] = ""
    system_prompt: LongText = Field(default="", examples=["Ask before you add a dependency."])
    resources: Amounts = Field(default_factory=dict, examples=[{"cpu": "2", "memory": "4Gi"}])
    env: Variables = Field(default_factory=dict, examples=[{"NODE_ENV": "test"}])
    mcp_servers: Names = ()
    credentials: Names = ()
    template: Word = ""
    profile: Word = ""
    initial_prompt: LongText = ""
    integrations: Names = ()


class PresetChange(Strict):
    """A field that is left out stays as it is. The default is set with `PUT /presets/{id}/default`."""

    name: Title | None = Field(default=None, examples=["careful"])
    description: Annotated[Text, Field(max_length=2000)] | None = None
    shared: bool | None = None
    agent: Annotated[Text, Field(max_length=64)] | None = None
    model: Annotated[Text, Field(max_length=100)] | None = None
    mode: Annotated[Text, Field(max_length=64)] | None = None
    thinking: Annotated[Text, Field(max_length=64)] | None = None
    system_prompt: LongText | None = None
    resources: Amounts | None = None
    env: Variables | None = None
    mcp_servers: Names | None = None
    credentials: Names | None = None
    template: Word | None = None
    profile: Word | None = None
    initial_prompt: LongText | None = None
    integrations: Names | None = None


class PresetOut(MannerOut):
    id: UUID
    owner_id: str
    name: str
    description: str
    shared: bool
    is_default: bool
    template: str
    profile: str
    initial_prompt: str
    integrations: list[str]
    revision: int
    created_at: datetime
    updated_at: datetime


class PresetPage(PageOut[PresetOut]):
    pass


class PresetQuery(BaseModel):
    """`visible`: yours and what others share. `everybody`: all of the tenant, for its administrators."""

    scope: Scope = "visible"
    agent: Text = Field(default="", max_length=64)


class Owned(Protocol):
    """Something that a person owns and may share with their tenant."""

    @property
    def shared(self) -> bool: ...


async def reach(request: Request, action: str, thing: Owned, of: Resource) -> None:
    """Let the caller do this to something that may be shared, or raise as `permit` does."""
    if not thing.shared:
        await permit(request, action, of)
        return
    await permit(request, f"{of.kind}.read", replace(of, owner_id=""))
    if action != f"{of.kind}.read":
        try:
            await permit(request, action, of)
        except NotFound as error:
            raise Forbidden(f"Only its owner changes this {of.kind}.", hint="Make one of your own like it.") from error


async def sight(request: Request, who: Principal, scope: Scope) -> Sight:
    """What the caller may look at. Raises Forbidden when they ask for what others have without being an administrator."""
    if scope == "everybody":
        await allowed("owner.all")(request)
    return Sight(tenant_id=who.tenant_id, user_id=who.user_id, scope=scope)


def changes(change: Strict) -> dict[str, Any]:
    """What somebody wants changed. A text or list that is null becomes empty, as a field that was never set."""
    said = change.model_dump(exclude_unset=True)
    kept = {name: value for name, value in said.items() if value is not None}
    cleared = {name: _EMPTY[name] for name, value in said.items() if value is None and name in _EMPTY}
    return kept | cleared


_EMPTY: dict[str, Any] = {
    **dict.fromkeys(("description", "agent", "model", "mode", "thinking", "system_prompt", "initial_prompt"), ""),
    **dict.fromkeys(("template", "profile", "project"), ""),
    "resources": {},
    "env": {},
    **dict.fromkeys(("mcp_servers", "credentials", "integrations", "tags"), ()),
}


def preset_for(action: str) -> Callable[[Request, PresetService, UUID, Principal], Awaitable[Preset]]:
    """A dependency that hands the route the preset of its `{preset_id}`, if its caller may do this to it."""

    async def reached(
        request: Request, presets: Presets, preset_id: UUID, _: Annotated[Principal, Depends(allowed(action))]
    ) -> Preset:
        preset = await presets.get(preset_id)
        await reach(request, action, preset, of_preset(preset))
        return preset

    return reached


Readable = Annotated[Preset, Depends(preset_for("preset.read"))]
Writable = Annotated[Preset, Depends(preset_for("preset.write"))]


@router.get("")
async def list_presets(
    request: Request,
    who: Reader,
    presets: Presets,
    page: Asked,
    wanted: Annotated[PresetQuery, Query()],
) -> PresetPage:
    """By name."""
    found = await presets.list(await sight(request, who, wanted.scope), wanted.agent, page)
    return PresetPage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)


@router.post("", status_code=201)
async def create_preset(response: Response, who: Writer, presets: Presets, new: PresetIn) -> PresetOut:
    preset = Preset(tenant_id=who.tenant_id, owner_id=who.user_id, **new.model_dump())
    return _shown(response, await presets.create(preset))


@router.get("/{preset_id}")
async def get_preset(response: Response, preset: Readable) -> PresetOut:
    return _shown(response, preset)


@router.patch("/{preset_id}")
async def change_preset(response: Response, presets: Presets, preset: Writable, change: PresetChange, seen: IfMatch) -> PresetOut:
    return _shown(response, await presets.change(preset.id, changes(change), seen))


@router.delete("/{preset_id}", status_code=204)
async def delete_preset(request: Request, _: Writer, presets: Presets, preset_id: UUID) -> None:
    """Sessions that were made with it stay as they are."""
    try:
        preset = await presets.get(preset_id)
        await reach(request, "preset.write", preset, of_preset(preset))
    except NotFound:
        return
    await presets.delete(preset_id)


@router.put("/{preset_id}/default")
async def make_preset_default(response: Response, presets: Presets, preset: Writable, seen: IfMatch) -> PresetOut:
    """Instead of the one that was the default for the same agent."""
    return _shown(response, await presets.make_default(preset, seen))


@router.delete("/{preset_id}/default", status_code=204)
async def end_preset_default(presets: Presets, preset: Writable) -> None:
    """From now on it is used only where it is named."""
    await presets.change(preset.id, {"is_default": False}, None)


def _shown(response: Response, preset: Preset) -> PresetOut:
    tag(response, preset.revision)
    return PresetOut.model_validate(preset)
