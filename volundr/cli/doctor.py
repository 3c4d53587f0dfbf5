"""`volundr doctor`: is everything there that Volundr needs, and what to do if not."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from volundr import client
from volundr.cli.main import Place, run
from volundr.cli.output import FAINT, GOLD, RUST, VERDIGRIS
from volundr.domain.errors import VolundrError

if TYPE_CHECKING:
    from volundr.settings import Settings

NEWEST_NEEDED = (3, 12)
GIT_NEEDED = (2, 31)
ROOM = 1024**3
ANSWER_SECONDS = 5.0
COLOURS = {"ok": VERDIGRIS, "note": FAINT, "warn": GOLD, "fail": RUST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report. `fix` is what to do, to be followed to the letter."""

    level: Literal["ok", "note", "warn", "fail"]
    what: str
    found: str
    fix: str = ""


@click.command()
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Look for what is missing or wrong on this machine. Exit code 1 when something must be fixed."""
    at: Place = ctx.obj
    try:
        findings = list(examine(at.settings()))
    except VolundrError as error:
        findings = [Finding(level="fail", what="settings", found=str(error), fix=error.hint)]
    for finding in findings:
        level = click.style(finding.level.ljust(4), fg=COLOURS[finding.level])
        click.echo(f"{level}  {finding.what.ljust(12)} {finding.found}")
        if finding.fix:
            click.echo(f"{' ' * 19}{finding.fix}")
    if any(finding.level == "fail" for finding in findings):
        ctx.exit(1)


def examine(settings: "Settings") -> Iterator[Finding]:
    """Every check, in the order of the report. A check that breaks is a finding too."""
    checks: Sequence[Callable[[Settings], Iterator[Finding]]] = (
        _python,
        _settings,
        _home,
        _disk,
        _database,
        _git,
        _docker,
        _agents,
        _files,
        _port,
    )
    for check in checks:
        try:
            yield from check(settings)
        except (VolundrError, OSError, subprocess.SubprocessError) as error:
            name = check.__name__.removeprefix("_")
            yield Finding(level="fail", what=name, found=str(error), fix=error.hint if isinstance(error, VolundrError) else "")


def _python(_: "Settings") -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= NEWEST_NEEDED:
        yield Finding(level="ok", what="python", found=version)
    else:
        yield Finding(level="fail", what="python", found=version, fix="Volundr needs Python 3.12 or newer.")


def _settings(settings: "Settings") -> Iterator[Finding]:
    if settings.config_file.exists():
        yield Finding(level="ok", what="settings", found=str(settings.config_file))
    for name in settings.unknown_variables:
        fix = f"Remove it: unset {name}. The settings reference lists the variables there are."
        yield Finding(level="warn", what="settings", found=f"{name} means nothing to Volundr", fix=fix)


def _home(settings: "Settings") -> Iterator[Finding]:
    home = settings.home
    if not home.exists():
        yield Finding(level="ok", what="home", found=f"{home} (will be made)")
        return
    found = home.stat()
    if found.st_uid != os.geteuid():
        fix = f"sudo chown -R {os.geteuid()} {home}"
        yield Finding(level="fail", what="home", found=f"{home} belongs to user id {found.st_uid}", fix=fix)
    elif not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(level="fail", what="home", found=f"{home} cannot be written", fix=f"chmod 700 {home}")
    elif found.st_mode & 0o077:
        yield Finding(level="fail", what="home", found=f"{home} can be read by other users", fix=f"chmod 700 {home}")
    else:
        yield Finding(level="ok", what="home", found=str(home))
    for name in ("secret", "token"):
        path = home / name
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding(level="fail", what="home", found=f"{path} can be read by other users", fix=f"chmod 600 {path}")


def _disk(settings: "Settings") -> Iterator[Finding]:
    place = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(place).free
    words = f"{free / ROOM:.1f} GiB free"
    if free < ROOM // 10:
        yield Finding(level="fail", what="disk", found=words, fix=f"Make room on the disk of {place}: sessions cannot be kept.")
    elif free < ROOM:
        yield Finding(level="warn", what="disk", found=words, fix=f"Make room on the disk of {place}.")
    else:
        yield Finding(level="ok", what="disk", found=words)


def _database(settings: "Settings") -> Iterator[Finding]:
    from volundr.app import open_database

    async def look() -> str:
        db = await open_database(settings)
        try:
            await db.fetch("SELECT 1")
        finally:
            await db.close()
        return db.kind

    if not settings.database.url and not (settings.home / "volundr.db").exists():
        yield Finding(level="ok", what="database", found="SQLite (will be made)")
    else:
        yield Finding(level="ok", what="database", found=f"{run(look())}, readable and up to date")


def _git(_: "Settings") -> Iterator[Finding]:
    said = _output(["git", "--version"])
    if said is None:
        fix = (
            "Install git (Debian: sudo apt install git; macOS: xcode-select --install). Without it sessions have no repositories."
        )
        yield Finding(level="fail", what="git", found="not found", fix=fix)
        return
    version = said.removeprefix("git version ").split()[0]
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < GIT_NEEDED:
        yield Finding(level="warn", what="git", found=version, fix="Use git 2.31 or newer: older ones lack parts of worktrees.")
    else:
        yield Finding(level="ok", what="git", found=version)


def _docker(_: "Settings") -> Iterator[Finding]:
    if shutil.which("docker") is None:
        yield Finding(level="note", what="docker", found="not found (not needed: sessions run as processes)")
        return
    version = _output(["docker", "version", "--format", "{{.Server.Version}}"])
    found = version or "installed, but its daemon does not answer (not needed: sessions run as processes)"
    yield Finding(level="ok" if version else "note", what="docker", found=found)


def _agents(settings: "Settings") -> Iterator[Finding]:
    from volundr.broker.transports.transport import Agent
    from volundr.loader import load

    for name, agent in load(settings.home).all(Agent, settings.agents).items():
        found = agent.find(settings.environment)
        if found.available:
            yield Finding(level="ok", what=name, found=" ".join(part for part in (found.version, found.path) if part) or "ready")
        else:
            yield Finding(level="warn", what=name, found=found.problem, fix=found.hint)


def _files(settings: "Settings") -> Iterator[Finding]:
    """Profiles and templates."""
    from volundr.broker.transports.transport import Agent
    from volundr.loader import load
    from volundr.local.profiles import YamlProfiles
    from volundr.local.templates import YamlTemplates

    agents = {*load(settings.home).names(Agent), *settings.agents}
    problems = [
        *run(YamlProfiles(settings.home, agents).problems()),
        *run(YamlTemplates(settings.home, agents).problems()),
    ]
    for problem in problems:
        fix = "Mend the file; a forge that runs takes it up by itself."
        yield Finding(level="warn", what="files", found=str(problem), fix=fix)


def _port(settings: "Settings") -> Iterator[Finding]:
    from volundr.local.listeners import owner

    running = client.forge(settings.home)
    if running is not None:
        yield Finding(level="ok", what="forge", found=f"runs at {running.address}")
        return
    port = settings.server.port
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.server.host, port))
        except OSError as error:
            level: Literal["fail", "warn"] = "fail" if "server.port" in settings.given else "warn"
            fix = "Choose another: volundr up --port 0" if level == "fail" else "`volundr up` will take the next free one."
            yield Finding(level=level, what="port", found=f"{port} cannot be used{owner(port)}: {error.strerror}", fix=fix)
        else:
            yield Finding(level="ok", what="port", found=f"{port} is free")


def _output(argv: Sequence[str]) -> str | None:
    """What a program prints; None when it is not there, fails or is silent for too long."""
    if shutil.which(argv[0]) is None:
        return None
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False, cwd=Path.home())
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() if done.returncode == 0 and done.stdout.strip() else None
