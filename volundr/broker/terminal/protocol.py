"""ttyd's wire protocol: frames that begin with one byte that says what they are."""

import json
from dataclasses import dataclass

from volundr.domain.errors import Invalid

PROTOCOL = "tty"
OUTPUT, TITLE, PREFERENCES = b"0", b"1", b"2"
COLUMNS, ROWS = (2, 500), (1, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    columns: int = 80
    rows: int = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """A client's first frame. `token` may be a ticket, for clients that cannot offer one as a subprotocol."""

    token: str
    size: Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    size: Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    paused: bool


def greeting(frame: str | bytes) -> Greeting:
    """Raises Invalid unless it is a JSON object."""
    said = _object(frame)
    token = said.get("AuthToken", "")
    return Greeting(token=token if isinstance(token, str) else "", size=_size(said))


def parse(frame: str | bytes) -> Input | Resize | Flow | None:
    """What a client wants; None for what is not known here. Raises Invalid for a size that cannot be read."""
    data = frame.encode(errors="replace") if isinstance(frame, str) else frame
    match data[:1]:
        case b"0":
            return Input(data=data[1:])
        case b"1":
            return Resize(size=_size(_object(data[1:])))
        case b"2" | b"3":
            return Flow(paused=data[:1] == b"2")
        case _:
            return None


def preferences(size: Size) -> bytes:
    """ttyd's place for settings of the client's terminal: here the size that the terminal really has."""
    return PREFERENCES + json.dumps({"columns": size.columns, "rows": size.rows}).encode()


def _object(frame: str | bytes) -> dict[str, object]:
    try:
        said = json.loads(frame)
    except (ValueError, RecursionError) as error:
        raise Invalid("This frame cannot be read: it is not JSON.") from error
    if not isinstance(said, dict):
        raise Invalid("This frame cannot be read: it is no JSON object.")
    return said


def _size(said: dict[str, object]) -> Size:
    """Within what makes sense; what is missing is as usual."""
    return Size(columns=_within(said.get("columns", 80), COLUMNS), rows=_within(said.get("rows", 24), ROWS))


def _within(number: object, limits: tuple[int, int]) -> int:
    if not isinstance(number, int) or isinstance(number, bool):
        raise Invalid("This frame cannot be read: columns and rows are whole numbers.")
    return min(max(number, limits[0]), limits[1])
