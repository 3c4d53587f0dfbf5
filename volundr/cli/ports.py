"""`volundr ports`: which parts of Volundr can be exchanged, and what is chosen."""

import click

from volundr.cli.main import Place
from volundr.cli.output import as_json, table


@click.command()
@click.option("--json", "as_data", is_flag=True, help="Print JSON.")
@click.pass_obj
def ports(at: Place, as_data: bool) -> None:
    """Show every port, what is chosen for it, and what else there is."""
    from volundr.roles import chosen

    settings = at.settings()
    rows = chosen(settings)
    if as_data:
        click.echo(as_json([{"port": port, "chosen": use, "offered": offered} for port, use, offered in rows]))
        return
    shown = [(port, ", ".join(use), ", ".join(name for name in offered if name not in use)) for port, use, offered in rows]
    click.echo(table(("PORT", "CHOSEN", "ALTERNATIVES"), shown))
