"""JSON-RPC 2.0 as ACP uses it, one object a line. Requests of ours are called so that their answers explain themselves."""

import json
from collections.abc import Mapping
from typing import Any

type Json = Mapping[str, Any]

AUTH_REQUIRED = -32000
NOT_FOUND = -32601
NOTHING: Json = {}


def request(name: str, method: str, params: Json) -> str:
    return _line({"id": name, "method": method, "params": params})


def notification(method: str, params: Json) -> str:
    return _line({"method": method, "params": params})


def answer(name: object, result: Json) -> str:
    return _line({"id": name, "result": result})


def refusal(name: object, method: str) -> str:
    return _line({"id": name, "error": {"code": NOT_FOUND, "message": f"Volundr does not offer {method}."}})


def read(line: str) -> Json:
    """Raises ValueError for what is no JSON, KeyError for what is no object."""
    said = json.loads(line)
    if "\\ud" in line or "\\uD" in line:
        said = _without_halves(said)
    if not isinstance(said, dict):
        raise KeyError("method")
    return said


def words(error: Json) -> str:
    """What an error answer says to people."""
    text = str(error.get("message") or "The agent gave no reason.").removeprefix("Internal error: ")
    match error.get("data"):
        case str(more) | {"details": str(more)} | {"message": str(more)} if more and more not in text:
            return more if text == "Internal error" else f"{text}: {more}"
        case _:
            return text


def _line(said: Json) -> str:
    return json.dumps({"jsonrpc": "2.0", **said}, separators=(",", ":"))


def _without_halves(said: object) -> Any:
    """JSON can spell half a character (a lone surrogate), which no file and no socket takes."""
    return json.loads(json.dumps(said, ensure_ascii=False).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
