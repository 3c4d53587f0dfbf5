"""Tool servers as Codex's configuration has them. What is secret in them is never an argument of a program."""

import json
import re
from collections.abc import Mapping, Sequence

from volundr.sdk import Invalid, McpServer


def overrides(servers: Sequence[McpServer]) -> dict[str, object]:
    """For the app server, which is told on its input."""
    return {f"mcp_servers.{one.name}": _table(one) for one in servers}


def _table(one: McpServer) -> Mapping[str, object]:
    if one.url:
        return {"url": one.url, "http_headers": dict(one.headers)}
    return {"command": one.command, "args": list(one.args), "env": dict(one.env)}


def arguments(servers: Sequence[McpServer]) -> tuple[Sequence[str], Mapping[str, str]]:
    """For `codex exec`: its arguments, which name variables, and the variables, which hold the values.

    Raises Invalid when two servers need one variable with different values: Codex has one environment for both.
    """
    words: list[str] = []
    env: dict[str, str] = {}
    for one in servers:
        place = f"mcp_servers.{one.name}"
        if one.url:
            names = {header: _variable(one.name, header) for header in one.headers}
            values = {names[header]: value for header, value in one.headers.items()}
            table = ", ".join(f"{json.dumps(header)} = {json.dumps(name)}" for header, name in names.items())
            words += ["-c", f"{place}.url={json.dumps(one.url)}", "-c", f"{place}.env_http_headers={{{table}}}"]
        else:
            values = dict(one.env)
            words += ["-c", f"{place}.command={json.dumps(one.command)}", "-c", f"{place}.args={json.dumps(list(one.args))}"]
            words += ["-c", f"{place}.env_vars={json.dumps(sorted(one.env))}"]
        for name, value in values.items():
            if env.setdefault(name, value) != value:
                raise Invalid(
                    f"Two tool servers need the variable {name} with different values.",
                    hint="Codex cannot do that with one process a message: choose another transport.",
                )
    return words, env


def _variable(server: str, header: str) -> str:
    return "MCP_" + re.sub(r"[^A-Z0-9]", "_", f"{server}_{header}".upper())
