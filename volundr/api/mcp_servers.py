"""/mcp-servers"""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.security import allowed
from volundr.api.strict import Shown, Text
from volundr.domain.identity import Principal
from volundr.domain.mcp import McpConfig, McpService
from volundr.domain.paging import page_of

router = APIRouter(prefix="/api/v1/mcp-servers", tags=["MCP servers"])

Reader = Annotated[Principal, Depends(allowed("mcp_server.read"))]
Servers = Annotated[McpService, Depends(service(McpService))]


class McpServerOut(Shown):
    """A tool server. What its variables and headers hold is not shown."""

    name: str = Field(description="What a session's `mcp_servers` call it.")
    description: str
    kind: Literal["program", "address"]
    command: str
    url: str
    variables: list[str] = Field(description="Names of the variables it gets.")
    headers: list[str] = Field(description="Names of the headers that are sent to it.")
    needs: list[str] = Field(description="Credentials and secrets it needs, as `credential:github`.")
    default: bool = Field(description="Every session gets it.")


class McpServerPage(PageOut[McpServerOut]):
    pass


@router.get("")
async def list_mcp_servers(_: Reader, servers: Servers, page: Asked) -> McpServerPage:
    """By name."""
    found = page_of(await servers.list(), page, lambda one: one.name)
    return McpServerPage(items=[_out(one) for one in found.items], next=found.next)


@router.get("/{name}")
async def get_mcp_server(_: Reader, servers: Servers, name: Annotated[Text, Path(max_length=64)]) -> McpServerOut:
    return _out(await servers.get(name))


def _out(config: McpConfig) -> McpServerOut:
    server = config.server
    return McpServerOut(
        name=server.name,
        description=config.description,
        kind="program" if server.command else "address",
        command=server.command,
        url=server.url.partition("?")[0],
        variables=sorted(server.env),
        headers=sorted(server.headers),
        needs=list(config.references),
        default=config.default,
    )
