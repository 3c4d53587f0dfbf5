"""`volundr down`: end the forge and all it started."""

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from volundr import client
from volundr.cli.main import Place, run
from volundr.domain.errors import Unavailable

if TYPE_CHECKING:
    from volundr.settings import Settings

LIMIT_SECONDS = 60.0


@click.command()
@click.pass_obj
def down(at: Place) -> None:
    """End the forge: sessions are stopped gracefully, nothing is left running."""
    click.echo(run(_down(at.settings())))


async def _down(settings: "Settings") -> str:
    forge = client.forge(settings.home)
    if forge is not None:
        forge.signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(LIMIT_SECONDS):
                await forge.gone()
        if forge.alive():
            raise Unavailable(
                f"The forge (process {forge.pid}) does not end within {LIMIT_SECONDS:.0f} s.",
                hint=f"`volundr logs` shows why; `kill -9 {forge.pid}`, then `volundr down` again, ends it in any case.",
            )
    left = await _leftovers(settings)
    if forge is not None:
        return "Volundr has ended."
    return f"Volundr was not running; ended what it had left: {', '.join(left)}." if left else "Volundr is not running."


async def _leftovers(settings: "Settings") -> list[str]:
    """End Skuld and shim of a forge that crashed. Returns their names."""
    from volundr.local import runfile

    left = [name for name in ("skuld", "shim") if (found := runfile.read(settings.home, name)) and found.alive()]
    if left:
        from volundr.local.identity import keys_of
        from volundr.local.supervisor import Supervisor, roles

        with runfile.sole_forge(settings.home):
            charges = roles(settings.home, keys_of(settings.home).manage, settings.sessions.stop_grace)
            await Supervisor(settings.home, charges, {}).end()
    return left
