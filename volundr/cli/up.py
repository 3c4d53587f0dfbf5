"""`volundr up`: start the forge."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from volundr import client
from volundr.cli.main import Place, run
from volundr.cli.open import begin_browser, new_link
from volundr.domain.errors import Unavailable
from volundr.process import Running, detach, own_command, start_time

if TYPE_CHECKING:
    from volundr.roles import Listening
    from volundr.settings import Settings

START_SECONDS = 30.0


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 takes any free one.")
@click.option("--host", help="The address to listen on.")
@click.option("--no-open", is_flag=True, help="Do not open a browser.")
@click.option("--detach", is_flag=True, help="Go on in the background; `volundr down` ends it.")
@click.option("--detached", is_flag=True, hidden=True)
@click.pass_obj
def up(at: Place, port: int | None, host: str | None, no_open: bool, detach: bool, detached: bool) -> None:
    """Start the forge: web UI, API and sessions of this machine. Ctrl-C ends it."""
    options = {"server.port": port, "server.host": host, "server.open_browser": False if no_open else None}
    settings = at.settings(options)
    running = client.forge(settings.home)
    if running is not None:
        click.echo(f"Volundr already runs at {running.address} (version {running.version}).")
        _show_link(settings, run(new_link(settings.home)))
    elif detach:
        running = _in_background(settings, _arguments(port, host))
        click.echo(f"Volundr runs at {running.address} in the background; `volundr down` ends it.")
        _show_link(settings, run(new_link(settings.home)))
    else:
        from volundr.roles import run_forge

        run_forge(settings, lambda heard: None if detached else _tell(settings, heard), click.echo)


def _tell(settings: "Settings", heard: "Listening") -> None:
    if heard.note:
        click.echo(heard.note)
    click.echo(f"Volundr listens at {heard.address}")
    _show_link(settings, heard.link)
    click.echo("Ctrl-C ends it and its sessions.")


def _show_link(settings: "Settings", link: str) -> None:
    click.echo(f"Sign in: {click.style(link, underline=True)}  (works once, for ten minutes)")
    begin_browser(settings, link)


def _arguments(port: int | None, host: str | None) -> Sequence[str]:
    return [*(("--port", str(port)) if port is not None else ()), *(("--host", host) if host is not None else ())]


def _in_background(settings: "Settings", arguments: Sequence[str]) -> Running:
    """The forge once it takes requests. Raises Unavailable with what it printed when it does not come up."""
    from volundr.local import runfile

    runfile.prepare(settings.home)
    log = settings.log_folder / "forge.log"
    before = log.stat().st_size if log.exists() else 0
    environment = {**settings.environment, **settings.variables, "VOLUNDR_HOME": str(settings.home)}
    pid = detach([*own_command(), "up", "--detached", "--no-open", *arguments], log, environment)
    child = Running(pid=pid, start_time=start_time(pid) or 0)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = client.forge(settings.home)
        if found is not None:
            return found
        if not child.alive():
            break
        time.sleep(0.02)
    raise Unavailable(f"Volundr did not start.\n{_said(log, before)}".rstrip(), hint="`volundr doctor` looks for the cause.")


def _said(log: Path, before: int) -> str:
    with log.open("rb") as file:
        file.seek(before)
        return file.read().decode("utf-8", "replace").strip()[-2000:]
