"""`volundr sessions …`: what a person does with sessions."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from volundr.cli.main import Place, run
from volundr.cli.output import age, as_json, place, shown_state, table
from volundr.client import Client, Json, NewSession, Session, connect
from volundr.domain.errors import Invalid, Unavailable

ON_THE_WAY = {"created", "starting", "provisioning"}
json_option = click.option("--json", "as_data", is_flag=True, help="Print JSON.")
wait_option = click.option("--wait", is_flag=True, help="Return when it is done.")


@click.group()
def sessions() -> None:
    """List, create and control sessions. SESSION is a name, an id, or the beginning of one."""


@sessions.command("list")
@click.option("--status", "statuses", multiple=True, help="Only sessions in this state; may be given again.")
@click.option("--all", "everything", is_flag=True, help="Archived ones too.")
@json_option
@click.pass_obj
def list_sessions(at: Place, statuses: Sequence[str], everything: bool, as_data: bool) -> None:
    """Show your sessions, newest first."""

    async def work() -> Sequence[Session]:
        async with connect(at.settings().home) as client:
            found = list(await client.sessions(statuses))
            return [*found, *await client.sessions(["archived"])] if everything else found

    found = run(work())
    if as_data:
        click.echo(as_json([session.raw for session in found]))
    elif found:
        click.echo(table(("NAME", "STATE", "AGENT", "SOURCE", "ACTIVE"), [_row(session) for session in found]))
    else:
        click.echo("There are no sessions. Make one: volundr sessions new --agent demo --empty --name first --wait")


def _row(session: Session) -> Sequence[str]:
    model = session.activity.model or session.model
    agent = f"{session.agent} · {model}" if model else session.agent
    source = place(session.raw.get("source") or {})
    return session.name, shown_state(session), agent, source, age(session.last_active, datetime.now(UTC))


@sessions.command()
@click.option("--folder", type=click.Path(path_type=Path), help="Work on this folder, in a git worktree of its own.")
@click.option("--in-place", is_flag=True, help="With --folder: work in the folder itself.")
@click.option("--git", "url", help="Clone this git URL.")
@click.option("--branch", default="", help="With --git or --folder: the branch to start from.")
@click.option("--empty", is_flag=True, help="Start with an empty folder.")
@click.option("--agent", default="", help="The agent to use; `demo` unless a definition names one.")
@click.option("--model", default="", help="The model the agent shall use.")
@click.option("--mode", default="", help="The agent's permission mode, in its own words.")
@click.option("--thinking", default="", help="How much the agent shall think, in its own words.")
@click.option("--transport", default="", help="How the agent is reached: shim, stdio, remote or per_message.")
@click.option("--definition", default="", help="A way to run a session that the settings define.")
@click.option("--name", help="A label: lower-case letters, digits and '-'.")
@click.option("--no-start", is_flag=True, help="Create it without starting it.")
@wait_option
@json_option
@click.pass_obj
def new(at: Place, /, as_data: bool, wait: bool, **options: Any) -> None:
    """Create a session and start it."""
    source = _source(**{name: options[name] for name in ("folder", "in_place", "url", "branch", "empty")})
    agent = options["agent"] or ("" if options["definition"] else "demo")
    name = options["name"] or _name(options["folder"] or options["url"] or agent or options["definition"])
    more = {key: options[key] for key in ("mode", "thinking", "transport", "definition") if options[key]}
    wanted = NewSession(
        name=name, agent=agent, model=options["model"], source=source, start=not options["no_start"], options=more
    )

    async def work() -> Session:
        async with connect(at.settings().home) as client:
            made = await client.create(wanted)
            return await settled(client, made) if wait and wanted.start else made

    _tell(run(work()), as_data)


def _source(*, folder: Path | None, in_place: bool, url: str | None, branch: str, empty: bool) -> Json:
    if sum((folder is not None, url is not None, empty)) != 1:
        raise Invalid("Say where the session works: one of --folder, --git or --empty.")
    if folder is not None:
        path = str(folder.expanduser().absolute())
        return {"type": "local", "path": path, "branch": branch, "mode": "in_place" if in_place else "worktree"}
    if url is not None:
        return {"type": "git", "url": url, "branch": branch}
    return {"type": "empty"}


def _name(seed: object) -> str:
    """A name of the folder or repository and a moment, which is new enough."""
    last = str(seed).rstrip("/").rpartition("/")[2].removesuffix(".git").lower()
    label = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in last).strip("-")[:40]
    return f"{label or 'session'}-{int(time.time()) % 1_000_000:x}"


@sessions.command()
@click.argument("session")
@click.option("--name", help="A label for the new session.")
@click.option("--no-start", is_flag=True, help="Create it without starting it.")
@wait_option
@json_option
@click.pass_obj
def fork(at: Place, /, session: str, as_data: bool, wait: bool, name: str | None, no_start: bool) -> None:
    """Go on from a session's conversation in a new one, in the same folder."""

    async def work() -> Session:
        async with connect(at.settings().home) as client:
            parent = await client.find(session)
            made = await client.fork(parent.id, name or _name(parent.name), start=not no_start)
            return await settled(client, made) if wait and not no_start else made

    _tell(run(work()), as_data)


@sessions.command()
@click.argument("session")
@json_option
@click.pass_obj
def show(at: Place, session: str, as_data: bool) -> None:
    """Show all about one session."""

    async def work() -> Session:
        async with connect(at.settings().home) as client:
            return await client.find(session)

    found = run(work())
    if as_data:
        click.echo(as_json(found.raw))
        return
    now = datetime.now(UTC)
    model = found.activity.model or found.model
    cost = found.activity.cost_usd
    rows = {
        "state": shown_state(found, 200),
        "agent": f"{found.agent} · {model}" if model else found.agent,
        "source": place(found.raw.get("source") or {}),
        "workspace": found.workspace,
        "branch": found.branch,
        "cost": "unknown" if cost is None else f"${cost:.2f}",
        "created": age(found.created_at, now),
        "active": age(found.last_active, now),
        "id": found.id,
    }
    click.echo(click.style(found.name, bold=True))
    for word, value in rows.items():
        if value:
            click.echo(f"  {click.style(word.ljust(10), dim=True)} {value}")
    _complain(found)


@sessions.command()
@click.argument("session")
@wait_option
@json_option
@click.pass_obj
def start(at: Place, session: str, wait: bool, as_data: bool) -> None:
    """Start a session; the conversation goes on where it was."""

    async def work() -> Session:
        async with connect(at.settings().home) as client:
            begun = await client.start((await client.find(session)).id)
            return await settled(client, begun) if wait else begun

    _tell(run(work()), as_data)


@sessions.command()
@click.argument("session")
@wait_option
@json_option
@click.pass_obj
def stop(at: Place, session: str, wait: bool, as_data: bool) -> None:
    """Stop a session gracefully. Its files and its conversation stay."""

    async def work() -> Session:
        async with connect(at.settings().home) as client:
            begun = await client.stop((await client.find(session)).id)
            return await settled(client, begun) if wait else begun

    _tell(run(work()), as_data)


@sessions.command()
@click.argument("names", metavar="SESSION...", nargs=-1, required=True)
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.pass_obj
def rm(at: Place, names: Sequence[str], yes: bool) -> None:
    """Delete sessions with their conversation and their clones. Your own folders stay."""

    async def work() -> None:
        async with connect(at.settings().home) as client:
            found = [await client.find(name) for name in names]
            words = ", ".join(session.name for session in found)
            if not yes:
                await asyncio.to_thread(click.confirm, f"Delete {words} with everything said in it?", abort=True)
            for session in found:
                await client.delete(session.id)
                click.echo(f"{session.name} is deleted.")

    run(work())


@sessions.command()
@click.argument("session")
@json_option
@click.pass_obj
def archive(at: Place, session: str, as_data: bool) -> None:
    """Put a session away; it is stopped first."""

    async def work() -> Session:
        async with connect(at.settings().home) as client:
            return await client.archive((await client.find(session)).id)

    _tell(run(work()), as_data)


@sessions.command()
@click.argument("session")
@json_option
@click.pass_obj
def restore(at: Place, session: str, as_data: bool) -> None:
    """Bring an archived session back."""

    async def work() -> Session:
        async with connect(at.settings().home) as client:
            return await client.restore((await client.find(session)).id)

    _tell(run(work()), as_data)


async def settled(client: Client, session: Session) -> Session:
    """The session once it is neither starting nor stopping. The forge has the time limit; here it is only watched."""
    step, patience = "", 20
    while session.status in ON_THE_WAY | {"stopping"} or (session.activity.state == "starting" and patience):
        patience -= session.status == "running"  # what a running agent does is told a moment later
        if session.step and session.step != step:
            step = session.step
            click.echo(click.style(f"  {step}", dim=True), err=True)
        await asyncio.sleep(0.1)
        session = await client.get(session.id)
    return session


def _tell(session: Session, as_data: bool) -> None:
    if as_data:
        click.echo(as_json(session.raw))
    else:
        click.echo(f"{session.name}  {shown_state(session)}")
    _complain(session)


def _complain(session: Session) -> None:
    if session.status == "failed":
        raise Unavailable(session.error or "The session failed.", hint=session.hint)
