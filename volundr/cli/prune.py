"""`volundr prune`: what the retention settings let go."""

import click

from volundr.cli.main import Place, run
from volundr.cli.output import as_json, table
from volundr.client import connect

KIB = 1024


@click.command()
@click.option("--yes", is_flag=True, help="Remove it. Without this it is only shown.")
@click.option("--json", "as_data", is_flag=True, help="Print JSON.")
@click.pass_obj
def prune(at: Place, yes: bool, as_data: bool) -> None:
    """Show what the settings under [retention] let go, and with --yes remove it."""

    async def work() -> list[dict[str, object]]:
        async with connect(at.settings().home) as client:
            return [dict(item) for item in await client.retention(apply=yes)]

    found = run(work())
    if as_data:
        click.echo(as_json(found))
    elif found:
        rows = [(str(one["name"]), str(one["what"]), _size(one["size"]), str(one["problem"] or one["reason"])) for one in found]
        click.echo(table(("SESSION", "WHAT", "SIZE", "REMOVED" if yes else "WOULD GO"), rows))
    else:
        click.echo("Nothing is kept longer than the settings say.")


def _size(count: object) -> str:
    size = float(str(count))
    for unit in ("B", "KiB", "MiB"):
        if size < KIB:
            return f"{size:.0f} {unit}"
        size /= KIB
    return f"{size:.1f} GiB"
