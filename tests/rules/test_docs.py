"""What can be set, called or replaced is documented."""

import inspect
import re

import click
import pytest

from tests.rules.tree import ROOT
from volundr import hooks, settings
from volundr.cli.main import volundr


def commands(group: click.Group, prefix: str = "") -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        full = f"{prefix}{name}"
        found.append((full, command))
        if isinstance(command, click.Group):
            found += commands(command, f"{full} ")
    return found


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs/reference/settings.md").read_text()
    missing = [name for name, variable, _ in settings.names() if name.rpartition(".")[2] not in text or variable not in text]
    assert missing == []


def test_every_command_is_documented() -> None:
    text = (ROOT / "docs/guide/cli.md").read_text()
    assert [name for name, _ in commands(volundr) if f"volundr {name}" not in text] == []


def test_no_option_is_called_m_or_c() -> None:
    """A compiled executable takes -m and -c for an attempt to start a Python."""
    taken = [(name, option) for name, c in commands(volundr) for p in c.params for option in p.opts if option in {"-m", "-c"}]
    assert taken == []


def test_every_hook_is_documented() -> None:
    text = (ROOT / "docs/guide/plugins.md").read_text()
    names = [name for name, function in inspect.getmembers(hooks, inspect.isfunction) if name.startswith("volundr_")]
    assert names
    assert [name for name in names if name not in text] == []


@pytest.mark.parametrize("page", ["README.md", "docs/reference/ports.md"])
def test_every_port_is_listed(page: str) -> None:
    from volundr.broker.transports import transport
    from volundr.domain import agents, gateway, identity, logins, system, workspaces
    from volundr.domain.sessions import ports

    text = (ROOT / page).read_text()
    found = {
        name
        for module in (agents, gateway, identity, logins, system, workspaces, ports, transport)
        for name, kind in inspect.getmembers(module, inspect.isabstract)
        if kind.__module__ == module.__name__
    }
    if page == "README.md":
        found &= {
            "SessionRepository",
            "PodManager",
            "GatewayPort",
            "IdentityPort",
            "AuthorizationPort",
            "EventBroadcaster",
            "SessionContributor",
        }
    assert [name for name in sorted(found) if not re.search(rf"\b{name}\b", text)] == []
