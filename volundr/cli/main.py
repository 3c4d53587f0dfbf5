"""The command `volundr` and how it finds its verbs."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from volundr import __version__
from volundr.domain.errors import VolundrError

if TYPE_CHECKING:
    from volundr.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which home folder the person means; None: what the settings say."""

    home: Path | None

    def settings(self, options: Mapping[str, Any] | None = None) -> "Settings":
        from volundr.settings import load

        return load({"home": self.home and str(self.home), **(options or {})})


class Failure(click.ClickException):
    """One line of what went wrong, one of what to do."""

    def __init__(self, error: VolundrError) -> None:
        super().__init__(str(error))
        self.hint = error.hint

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - Click's signature
        click.echo(f"{click.style('Error:', fg='red')} {self.message}", err=True)
        if self.hint:
            click.echo(f"  {self.hint}", err=True)


def run[T](work: Coroutine[Any, Any, T]) -> T:
    """Run a verb's coroutine; Ctrl-C ends it without a traceback."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(130) from None


def _chat() -> click.Command:
    from volundr.cli.chat import chat

    return chat


def _db() -> click.Command:
    from volundr.cli.db import db

    return db


def _doctor() -> click.Command:
    from volundr.cli.doctor import doctor

    return doctor


def _down() -> click.Command:
    from volundr.cli.down import down

    return down


def _inbox() -> click.Command:
    from volundr.cli.inbox import inbox

    return inbox


def _logs() -> click.Command:
    from volundr.cli.logs import logs

    return logs


def _open() -> click.Command:
    from volundr.cli.open import open_browser

    return open_browser


def _ports() -> click.Command:
    from volundr.cli.ports import ports

    return ports


def _prune() -> click.Command:
    from volundr.cli.prune import prune

    return prune


def _serve() -> click.Command:
    from volundr.cli.serve import serve

    return serve


def _sessions() -> click.Command:
    from volundr.cli.sessions import sessions

    return sessions


def _status() -> click.Command:
    from volundr.cli.status import status

    return status


def _up() -> click.Command:
    from volundr.cli.up import up

    return up


VERBS: Mapping[str, Callable[[], click.Command]] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "open": _open,
    "sessions": _sessions,
    "chat": _chat,
    "inbox": _inbox,
    "logs": _logs,
    "doctor": _doctor,
    "ports": _ports,
    "prune": _prune,
    "serve": _serve,
    "db": _db,
}
"""In the order of the help. Functions with real imports: a verb loads only itself, and a compiled program finds them all."""


class Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002 - Click's signature
        return VERBS[name]() if name in VERBS else None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except VolundrError as error:
            raise Failure(error) from error


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="The home folder to use instead of ~/.volundr.")
@click.version_option(__version__, message="volundr %(version)s")
@click.pass_context
def volundr(ctx: click.Context, home: Path | None) -> None:
    """A self-hosted forge for AI coding agents."""
    ctx.obj = Place(home=home)
    if ctx.obj.settings().environment.get("NO_COLOR"):
        ctx.color = False
