"""`volundr logs`: what the processes and the sessions printed."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from volundr.cli.main import Place, run
from volundr.client import connect
from volundr.domain.errors import NotFound

PROCESSES = ("forge", "skuld", "shim")
LOOK_SECONDS = 0.25


@click.command()
@click.argument("what", default="forge", metavar="[forge|skuld|shim|SESSION]")
@click.option("-f", "--follow", is_flag=True, help="Go on as more is written. Ctrl-C ends it.")
@click.option("-n", "--lines", default=100, show_default=True, type=click.IntRange(1, 2000), help="How many lines.")
@click.pass_obj
def logs(at: Place, what: str, follow: bool, lines: int) -> None:
    """Show the log of the forge, Skuld, the shim or a session."""
    home = at.settings().home
    try:
        if what in PROCESSES:
            path = home / "logs" / f"{what}.log"
            for line in _file(path, lines, follow):
                click.echo(line)
        else:
            for line in _session(home, what, lines, follow):
                click.echo(line)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(0) from None


def _file(path: Path, lines: int, follow: bool) -> Iterator[str]:
    if not path.exists():
        raise NotFound(f"There is no log at {path} yet.", hint="Volundr writes it once it was started: volundr up")
    with path.open(encoding="utf-8", errors="replace") as file:
        yield from file.read().splitlines()[-lines:]
        rest = ""
        while follow:
            rest += file.read()
            *whole, rest = rest.split("\n")
            yield from whole
            if not whole:
                time.sleep(LOOK_SECONDS)


def _session(home: Path, text: str, lines: int, follow: bool) -> Iterator[str]:
    shown: Sequence[str] = ()
    while True:
        now = run(_ask(home, text, lines))
        yield from now[_overlap(shown, now) :]
        shown = now
        if not follow:
            return
        time.sleep(4 * LOOK_SECONDS)


async def _ask(home: Path, text: str, lines: int) -> Sequence[str]:
    async with connect(home) as client:
        return await client.logs((await client.find(text)).id, lines)


def _overlap(before: Sequence[str], now: Sequence[str]) -> int:
    """How many lines at the beginning of `now` were the end of `before`."""
    return next((size for size in range(min(len(before), len(now)), 0, -1) if before[-size:] == now[:size]), 0)
