"""The roles that Volundr starts of itself. Not for people, so without Click: every session and every start pays for imports."""

import sys
from collections.abc import Sequence

from volundr.domain.errors import Invalid, VolundrError


def play(role: str, arguments: Sequence[str]) -> int:
    """Be this role until it ends; returns the exit code. An error is one line for the log that the forge shows."""
    try:
        return _play(role, arguments)
    except VolundrError as error:
        print(f"{error}\n{error.hint}".strip(), file=sys.stderr)
        return 1


def _play(role: str, arguments: Sequence[str]) -> int:
    match role:
        case "broker":
            from volundr.roles import run_broker
            from volundr.settings import load

            run_broker(load())
        case "shim":
            from volundr.roles import run_shim
            from volundr.settings import load

            run_shim(load())
        case "worker":
            from volundr.roles import run_worker
            from volundr.settings import load

            run_worker(load(), arguments)
        case "demo-agent":
            from volundr.broker.demo import main as demo

            return demo(list(arguments))
        case "keeper":
            from volundr.broker.keeper import main as keeper

            return keeper(list(arguments))
        case _:
            raise Invalid(f"{role!r} is not a role of Volundr.")
    return 0
