"""`volundr db`: the whole database. Bring it up to date, save it, put it back, move it to another kind."""

from pathlib import Path
from textwrap import dedent

import click

from volundr.cli.main import Place, run

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def db() -> None:
    """Bring the database up to date, save it, put it back, or move it between SQLite and Postgres."""


@db.command()
@click.pass_obj
def plan(at: Place) -> None:
    """Print the statements that `migrate` would run, without running them."""
    from volundr import upkeep

    settings = at.settings()
    steps = run(upkeep.plan(settings))
    for step in steps:
        click.echo(click.style(f"-- {step.store} {step.version}", dim=True))
        click.echo(dedent(step.sql("postgres" if settings.database.url else "sqlite")).strip() + ";\n")
    if not steps:
        click.echo("The database is up to date.")


@db.command()
@click.pass_obj
def migrate(at: Place) -> None:
    """Bring the database up to date, all or nothing. Starting the forge does the same."""
    from volundr import upkeep

    many = run(upkeep.bring_up_to_date(at.settings()))
    click.echo(f"{many} statements were run." if many else "The database is up to date.")


@db.command()
@click.argument("file", type=_FILE, required=False)
@click.pass_obj
def backup(at: Place, file: Path | None) -> None:
    """Save everything the database holds in one file. The forge may run meanwhile."""
    from volundr import upkeep

    settings = at.settings()
    _save(at, file or upkeep.backup_file(settings))


@db.command()
@click.argument("file", type=_FILE)
@click.pass_obj
def export(at: Place, file: Path) -> None:
    """Save everything in a file that `import` reads into the other kind of database."""
    _save(at, file)


@db.command()
@click.argument("file", type=_FILE)
@click.option("--replace", is_flag=True, help="Replace what is there; it is saved first.")
@click.pass_obj
def restore(at: Place, file: Path, replace: bool) -> None:
    """Put back what a backup holds, into an empty database. All or nothing; the forge must not run."""
    _put(at, file, replace=replace)


@db.command(name="import")
@click.argument("file", type=_FILE)
@click.option("--replace", is_flag=True, help="Replace what is there; it is saved first.")
@click.pass_obj
def import_(at: Place, file: Path, replace: bool) -> None:
    """Read what `export` wrote, from either kind of database, into the one that is set now."""
    _put(at, file, replace=replace)


def _save(at: Place, file: Path) -> None:
    from volundr import upkeep

    manifest = run(upkeep.save(at.settings(), file))
    size = file.stat().st_size
    click.echo(f"{file}: {manifest.rows:,} rows of {len(manifest.tables)} tables, {max(1, size // 1024):,} KiB.")


def _put(at: Place, file: Path, *, replace: bool) -> None:
    from volundr import upkeep

    manifest, kept = run(upkeep.put(at.settings(), file, replace=replace))
    if kept is not None:
        click.echo(f"What the database held before is in {kept}.")
    click.echo(f"{manifest.rows:,} rows of {len(manifest.tables)} tables, saved {manifest.created_at}, are in the database now.")
