"""`volundr status`: what runs."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from volundr import client
from volundr.cli.main import Place, run
from volundr.cli.output import as_json, state
from volundr.process import Running

if TYPE_CHECKING:
    from volundr.settings import Settings


@click.command()
@click.option("--json", "as_data", is_flag=True, help="Print JSON.")
@click.pass_context
def status(ctx: click.Context, as_data: bool) -> None:
    """Show whether the forge runs, and what its sessions do. Exit code 3 when it does not run."""
    at: Place = ctx.obj
    settings = at.settings()
    forge = client.forge(settings.home)
    if as_data:
        click.echo(as_json(_data(settings, forge)))
    elif forge is None:
        click.echo(f"{click.style('■', fg=245)} Volundr is not running. Start it with `volundr up`.")
        for name in ("skuld", "shim"):
            if (left := _process(settings.home, name)) is not None:
                click.echo(f"  {name} of an earlier forge still runs (process {left.pid}); `volundr up` takes it over.")
    else:
        click.echo(f"{click.style('●', fg=72)} Volundr {forge.version} runs at {forge.address} (process {forge.pid})")
        for name in ("skuld", "shim"):
            found = _process(settings.home, name)
            click.echo(f"  {name.ljust(8)} " + (f"process {found.pid}" if found else click.style("is not running", fg=167)))
        click.echo(f"  {'home'.ljust(8)} {settings.home}")
        click.echo(f"  {'sessions'.ljust(8)} {run(_sessions(settings)) or 'none'}")
    if forge is None:
        ctx.exit(3)


async def _sessions(settings: "Settings") -> str:
    async with client.connect(settings.home) as forge:
        found = await forge.sessions()
    now = datetime.now(UTC)
    counts = Counter(state(session, now)[1].partition(" · ")[0] for session in found)
    return ", ".join(f"{count} {word}" for word, count in counts.most_common())


def _process(home: Path, name: str) -> Running | None:
    try:
        found = Running(**json.loads((home / "run" / f"{name}.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return found if found.alive() else None


def _data(settings: "Settings", forge: Running | None) -> dict[str, object]:
    processes = {"forge": forge, **{name: _process(settings.home, name) for name in ("skuld", "shim")}}
    return {
        "running": forge is not None,
        "address": forge.address if forge else None,
        "home": str(settings.home),
        "processes": {name: {"pid": found.pid, "version": found.version} for name, found in processes.items() if found},
    }
