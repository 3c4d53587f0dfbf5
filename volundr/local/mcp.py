"""Tool servers from the settings file: `[mcp_servers.<name>]`."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from volundr.domain.errors import Invalid
from volundr.domain.mcp import NAME, McpConfig, MCPServerProvider
from volundr.domain.sessions.spec import McpServer

_TEXTS = frozenset({"command", "url", "description"})
_PAIRS = frozenset({"env", "headers"})
_KEYS = sorted(_TEXTS | _PAIRS | {"args", "default"})


class SettingsMcpServers(MCPServerProvider):
    """Read once, when the forge starts. Raises Invalid for a section that makes no server."""

    def __init__(self, sections: Mapping[str, Mapping[str, object]]) -> None:
        self._servers = {name: _config(name, section) for name, section in sorted(sections.items())}

    async def list(self) -> Sequence[McpConfig]:
        return list(self._servers.values())

    async def get(self, name: str) -> McpConfig | None:
        return self._servers.get(name)


def _config(name: str, section: Mapping[str, object]) -> McpConfig:
    where = f"[mcp_servers.{name}]"
    if not NAME.fullmatch(name):
        raise Invalid(f"{where}: the name of a tool server has letters, digits, '-' and '_', at most 64.")
    if wrong := sorted(section.keys() - set(_KEYS)):
        raise Invalid(f"{where} cannot have {wrong[0]!r}.", hint=f"It can have: {', '.join(_KEYS)}.")
    given: dict[str, Any] = dict(section)
    default, description = given.pop("default", False), given.pop("description", "")
    for key, value in given.items():
        if not _fits(key, value):
            raise Invalid(f"{where} {key} must be {'a text' if key in _TEXTS else 'texts'}.")
    if not isinstance(default, bool) or not isinstance(description, str):
        raise Invalid(f"{where}: default is true or false, and description a text.")
    url = str(given.get("url", ""))
    if bool(given.get("command")) == bool(url):
        raise Invalid(f"{where} needs a command or a url, and not both.")
    if url:
        _check_address(where, url)
    server = McpServer(name=name, **{**given, "args": tuple(given.get("args", ()))})
    return McpConfig(server=server, description=description, default=default)


def _check_address(where: str, url: str) -> None:
    try:
        address = urlsplit(url)
    except ValueError as error:
        raise Invalid(f"{where} url is no address.") from error
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise Invalid(f"{where} url must begin with http:// or https:// and name a host.")
    if address.username or address.password:
        raise Invalid(f"{where} url holds a user or a password.", hint="Put them into headers, as ${secret:<name>.<key>}.")


def _fits(key: str, value: object) -> bool:
    if key == "args":
        return isinstance(value, list) and all(isinstance(one, str) for one in value)
    if key in _PAIRS:
        return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())
    return isinstance(value, str)
