"""How the command line shows things: the words, colours and shapes of a session's state, tables, times."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from volundr.client import Activity, Json, Session

EMBER, STEEL, RUST, VERDIGRIS, GOLD, FAINT = 208, 67, 167, 72, 178, 245
"""The design's colours in a terminal's 256."""


def state(session: Session, now: datetime) -> tuple[str, str, int | None]:
    """Shape, words and colour (None: the terminal's own) of what a session does."""
    if session.status == "running":
        return _running(session.activity, now)
    if session.status in {"starting", "provisioning"}:
        return "◔", _parts("starting", session.step), STEEL
    if session.status == "stopping":
        return "◔", _parts("stopping", session.step), STEEL
    if session.status == "failed":
        return "▲", _parts("failed", first_line(session.error)), RUST
    return "■", session.status, FAINT


def _running(doing: Activity, now: datetime) -> tuple[str, str, int | None]:
    if doing.state == "waiting":
        return "●", _parts("waiting for you", doing.what), EMBER
    if doing.state == "working":
        return "▬", _parts("working", doing.what, _since(doing.since, now)), STEEL
    if doing.state == "failed":
        return "▲", _parts("failed", first_line(doing.what)), RUST
    return "○", doing.state if doing.state in {"starting", "stopping"} else "idle", None


def shown_state(session: Session, width: int = 60) -> str:
    shape, words, colour = state(session, datetime.now(UTC))
    short = words if len(words) <= width else words[: width - 1] + "…"
    return click.style(f"{shape} {short}", fg=colour)


def age(then: datetime | None, now: datetime) -> str:
    """`3 min ago`; empty when it is not known."""
    return "" if then is None else "just now" if (now - then).total_seconds() < 5 else f"{_span(then, now)} ago"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns; colours take no room."""
    lines = [[click.style(head, dim=True) for head in heads], *rows]
    widths = [max(len(click.unstyle(line[column])) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell + " " * (width - len(click.unstyle(cell))) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def as_json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def place(source: Json) -> str:
    """Where a session's files come from, in a few words."""
    match source.get("type"):
        case "git":
            return f"{source.get('url')}" + (f" → {source['branch']}" if source.get("branch") else "")
        case "local":
            return f"{source.get('path')}" + (" (in place)" if source.get("mode") == "in_place" else "")
        case _:
            return "empty"


def first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _parts(*words: str) -> str:
    return " · ".join(word for word in words if word)


def _since(then: datetime | None, now: datetime) -> str:
    return _span(then, now) if then else ""


def _span(then: datetime, now: datetime) -> str:
    seconds = max(0, int((now - then).total_seconds()))
    for size, word in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {word}"
    return f"{seconds} s"
