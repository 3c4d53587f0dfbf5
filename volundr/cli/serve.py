"""`volundr serve`: the forge for many people."""

from typing import TYPE_CHECKING

import click

from volundr.cli.main import Place

if TYPE_CHECKING:
    from volundr.roles import Listening


@click.command()
@click.option("--host", help="The address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 takes any free one.")
@click.option("--workers", type=click.IntRange(1, 64), help="How many processes answer requests.")
@click.pass_obj
def serve(at: Place, host: str | None, port: int | None, workers: int | None) -> None:
    """Serve a forge to many people: several workers on one Postgres database. SIGHUP renews the workers, SIGTERM ends them."""
    from volundr.roles import run_server

    run_server(at.settings({"server.port": port, "server.host": host, "server.workers": workers}), _tell, click.echo)


def _tell(heard: "Listening") -> None:
    click.echo(f"Volundr listens at {heard.address}")
    if heard.note:
        click.echo(heard.note)
    click.echo("Ctrl-C ends it; sessions go on.")
