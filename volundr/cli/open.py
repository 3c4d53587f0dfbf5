"""`volundr open`: a new login link for a forge that runs."""

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from volundr.cli.main import Place, run
from volundr.client import connect

if TYPE_CHECKING:
    from volundr.settings import Settings


@click.command("open")
@click.option("--no-open", is_flag=True, help="Only print the link.")
@click.pass_obj
def open_browser(at: Place, no_open: bool) -> None:
    """Sign a browser in to the forge that runs."""
    settings = at.settings({"server.open_browser": False if no_open else None})
    link = run(new_link(settings.home))
    click.echo(f"Sign in: {click.style(link, underline=True)}  (works once, for ten minutes)")
    begin_browser(settings, link)


async def new_link(home: Path) -> str:
    async with connect(home) as client:
        return await client.login_link()


def begin_browser(settings: "Settings", link: str) -> None:
    """Open the link where there is a display, through a private page, so that the code is in no process's arguments."""
    env = settings.environment
    display = sys.platform == "darwin" or env.get("DISPLAY") or env.get("WAYLAND_DISPLAY")
    if not settings.server.open_browser or not display or env.get("SSH_CONNECTION"):
        return
    import webbrowser

    from volundr.local.identity import write_open_page

    page = settings.run_folder / "open.html"
    write_open_page(page, link)
    threading.Thread(target=webbrowser.open, args=(page.as_uri(),), daemon=True, name="browser").start()
