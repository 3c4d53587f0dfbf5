"""`volundr chat`: talk to a session in the terminal."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

import click

from volundr.cli.main import Place, run
from volundr.cli.output import EMBER, FAINT, GOLD, RUST, STEEL, VERDIGRIS, first_line
from volundr.cli.sessions import settled
from volundr.client import Chat, Client, Json, Session, connect
from volundr.domain.errors import Conflict, Unavailable

ANSWERS: Mapping[str, tuple[str, str]] = {
    "y": ("allow", "once"),
    "s": ("allow", "session"),
    "a": ("allow", "always"),
    "n": ("deny", "once"),
}
SCOPES = {"once": "y once", "session": "s session", "always": "a always"}


@click.command()
@click.argument("session")
@click.argument("message", required=False)
@click.option("--allow", type=click.Choice(["once", "session", "none"]), help="Answer permission requests so without asking.")
@click.pass_obj
def chat(at: Place, session: str, message: str | None, allow: str | None) -> None:
    """Send MESSAGE to SESSION and show the answer as it comes. Without MESSAGE: a conversation, ended by an empty line."""

    async def work() -> bool:
        async with connect(at.settings().home) as client:
            found = await _running(client, await client.find(session))
            async with client.chat(found.id) as socket:
                talk = Talk(socket, allow)
                if message is not None:
                    return await talk.turn(message)
                while text := await asyncio.to_thread(_ask):
                    await talk.turn(text)
                return True

    if not run(work()):
        raise click.exceptions.Exit(1)


async def _running(client: Client, session: Session) -> Session:
    """The session, started if it does not run."""
    if session.status in {"created", "stopped", "failed"}:
        session = await client.start(session.id)
    session = await settled(client, session)
    if session.status == "failed":
        raise Unavailable(session.error or "The session failed.", hint=session.hint)
    if session.status != "running":
        raise Conflict(f"Session {session.name!r} is {session.status}.", hint=f"volundr sessions restore {session.name}")
    return session


def _ask() -> str:
    try:
        return str(click.prompt(click.style("you", fg=EMBER), default="", show_default=False, prompt_suffix=" › ")).strip()
    except click.Abort:
        return ""


@dataclass(slots=True)
class Talk:
    """What is on the screen of one conversation. `_shown` counts the characters of each block that were printed."""

    socket: Chat
    allow: str | None
    _message: str = ""
    _turn: int | None = None
    _shown: dict[tuple[str, int], int] = field(default_factory=dict)
    _open_line: bool = False
    _status: str = ""

    async def turn(self, text: str) -> bool:
        """Say something and show what comes until the turn is over. False when it failed."""
        self._message, self._turn, self._status = await self.socket.say(text), None, ""
        try:
            async for frame in self.socket.frames():
                await self._show(frame)
                if self._status:
                    break
        except asyncio.CancelledError:
            await self.socket.interrupt()
            self._line(click.style("interrupted", fg=GOLD))
            raise
        return self._status == "ok"

    async def _show(self, frame: Json) -> None:
        match frame["type"]:
            case "delta" if frame["kind"] == "text":
                self._text(frame["id"], frame["block"], frame["text"], frame["offset"])
            case "agent_message" if frame["kind"] == "text":
                self._text(frame["id"], frame["block"], frame["text"], 0)
                self._line()
            case "tool_started":
                self._line(click.style(f"▸ {frame['title']}", fg=STEEL))
            case "tool_finished":
                self._finished(frame)
            case "permission_raised":
                await self._decide(frame)
            case "notice":
                self._line(click.style(frame["text"], fg=GOLD if frame["level"] != "info" else FAINT))
            case _:
                self._progress(frame)

    def _progress(self, frame: Json) -> None:
        match frame["type"]:
            case "rejected" if frame["id"] == self._message:
                raise Conflict(frame["error"])
            case "turn_started" if self._message in frame["messages"]:
                self._turn = frame["turn"]
            case "turn_finished" if frame["turn"] == self._turn:
                self._over(frame)
            case "agent_state" if frame["state"] == "failed":
                raise Unavailable(frame["error"] or "The agent failed.", hint=frame.get("hint", ""))

    def _text(self, message: str, block: int, text: str, offset: int) -> None:
        """Print what of this block is not on the screen yet. After a piece that got lost, the rest comes with the whole block."""
        shown = self._shown.get((message, block), 0)
        new = text[max(0, shown - offset) :]
        if self._turn is None or offset > shown or not new:
            return
        if not shown and self._open_line:
            self._line()
        click.echo(new, nl=False)
        sys.stdout.flush()
        self._shown[message, block] = offset + len(text)
        self._open_line = not new.endswith("\n")

    def _line(self, text: str = "") -> None:
        if self._open_line:
            click.echo()
        if text:
            click.echo(text)
        self._open_line = False

    def _finished(self, frame: Json) -> None:
        said = first_line(frame["output"])[:100]
        mark, colour = ("✓", VERDIGRIS) if frame["ok"] else ("✗", RUST)
        self._line(f"  {click.style(mark, fg=colour)} {click.style(said, fg=FAINT)}".rstrip())

    async def _decide(self, frame: Json) -> None:
        self._line(click.style(f"● waiting for you · {frame['title'] or frame['tool']}", fg=EMBER))
        if self.allow is not None:
            decision, scope = ("deny", "once") if self.allow == "none" else ("allow", self.allow)
        elif sys.stdin.isatty():
            decision, scope = await asyncio.to_thread(_choose, frame)
        else:
            self._line("  Waiting for an answer on another screen (or use --allow once).")
            return
        await self.socket.decide(frame["id"], decision, scope if scope in frame["scopes"] else "once")

    def _over(self, frame: Json) -> None:
        self._status = frame["status"]
        if self._status == "interrupted":
            self._line(click.style("interrupted", fg=GOLD))
        elif self._status == "failed":
            self._line(click.style(f"▲ {frame['error'] or 'The turn failed.'}", fg=RUST))
            if frame.get("hint"):
                click.echo(f"  {frame['hint']}")
        else:
            self._line()


def _choose(frame: Json) -> tuple[str, str]:
    offered = [SCOPES[scope] for scope in ("once", "session", "always") if scope in frame["scopes"]]
    keys = [words[0] for words in offered] + ["n"]
    try:
        key = click.prompt(f"  allow? {', '.join([*offered, 'n no'])}", type=click.Choice(keys), show_choices=False)
    except click.Abort:
        key = "n"
    return ANSWERS[key]
