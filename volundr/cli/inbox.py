"""`volundr inbox`: what waits for an answer, in all sessions."""

from collections.abc import Sequence
from datetime import UTC, datetime

import click

from volundr.cli.main import Place, run
from volundr.cli.output import age, as_json, table
from volundr.client import Json, connect
from volundr.domain.errors import Invalid, NotFound

SCOPES = ("once", "session", "always")


@click.group(invoke_without_command=True)
@click.option("--json", "as_data", is_flag=True, help="Print JSON.")
@click.pass_context
def inbox(ctx: click.Context, as_data: bool) -> None:
    """Show what waits for your answer in all sessions; `inbox allow` and `inbox deny` answer."""
    if ctx.invoked_subcommand is not None:
        return
    found = run(_pending(ctx.obj))
    if as_data:
        click.echo(as_json(found))
    elif found:
        click.echo(table(("ID", "SESSION", "WAITS", "WHAT"), [_row(item) for item in found]))
    else:
        click.echo("Nothing waits for you.")


async def _pending(at: Place) -> Sequence[Json]:
    async with connect(at.settings().home) as client:
        return await client.permissions()


def _row(item: Json) -> Sequence[str]:
    raised = datetime.fromisoformat(item["raised_at"])
    return str(item["id"])[:12], str(item["session_name"]), age(raised, datetime.now(UTC)), str(item["title"])


@inbox.command()
@click.argument("permissions", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that waits now.")
@click.option("--scope", type=click.Choice(SCOPES), default="once", show_default=True, help="For how long it is allowed.")
@click.pass_obj
def allow(at: Place, permissions: Sequence[str], everything: bool, scope: str) -> None:
    """Allow what waits under these ids, or the beginnings of them."""
    _answer(at, permissions, everything, {"decision": "allow", "scope": scope, "message": ""})


@inbox.command()
@click.argument("permissions", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that waits now.")
@click.option("--say", "message", default="", help="A word to the agent.")
@click.pass_obj
def deny(at: Place, permissions: Sequence[str], everything: bool, message: str) -> None:
    """Deny what waits under these ids, or the beginnings of them."""
    _answer(at, permissions, everything, {"decision": "deny", "scope": "once", "message": message})


def _answer(at: Place, names: Sequence[str], everything: bool, decision: Json) -> None:
    if bool(names) == everything:
        raise Invalid("Say what to answer: ids as `volundr inbox` shows them, or --all.")

    async def work() -> Sequence[Json]:
        async with connect(at.settings().home) as client:
            pending = await client.permissions()
            chosen = pending if everything else [_one(pending, name) for name in names]
            for item in chosen:
                await client.answer(str(item["session_id"]), str(item["id"]), decision)
            return chosen

    for item in run(work()):
        click.echo(f"{item['session_name']}: {item['title']} · {decision['decision']}")


def _one(pending: Sequence[Json], name: str) -> Json:
    found = [item for item in pending if str(item["id"]).startswith(name)]
    if len(found) == 1:
        return found[0]
    raise NotFound(
        f"{name!r} could be any of {len(found)}." if found else f"Nothing waits under {name!r}.",
        hint="`volundr inbox` shows all.",
    )
