"""What Codex asks (requests of its own over `codex app-server`), as questions for people, and their answers in its words."""

from collections.abc import Mapping, Sequence
from typing import Any

from volundr.sdk import Answer, Asked, Rule
from volundr_codex import items

type Json = Mapping[str, Any]

COMMAND = "item/commandExecution/requestApproval"
FILES = "item/fileChange/requestApproval"
PERMISSIONS = "item/permissions/requestApproval"
INPUT = "item/tool/requestUserInput"
ELICIT = "mcpServer/elicitation/request"
KNOWN = frozenset({COMMAND, FILES, PERMISSIONS, INPUT, ELICIT})
_AMEND = "acceptWithExecpolicyAmendment"


def name_of(request: Json) -> str:
    """The id of this question. Request numbers begin at 0 in each process, so its turn is part of it."""
    given = request["params"]
    return f"{given.get('turnId') or given['threadId']}-{request['id']}"


def asked(request: Json, item: Json | None, cwd: str, parent: str | None = None) -> Asked:
    """The question. `item` is what it is about, if that was seen."""
    given, method = request["params"], request["method"]
    native = {"request": request["id"], "method": method}
    common: dict[str, Any] = {
        "id": name_of(request),
        "tool_id": given.get("itemId"),
        "reason": str(given.get("reason") or ""),
        "parent": parent,
    }
    match method:
        case "item/commandExecution/requestApproval":
            return _command(given, item, native, common)
        case "item/fileChange/requestApproval":
            return _files(given, item, native, {**common, "cwd": cwd})
        case "item/permissions/requestApproval":
            wanted = {key: value for key, value in given["permissions"].items() if value is not None}
            title = items.short(f"More permissions: {', '.join(wanted) or 'none named'}")
            native = {**native, "permissions": wanted}
            return Asked(**common, tool="Permissions", title=title, input=wanted, scopes=("once", "session"), native=native)
        case "item/tool/requestUserInput":
            return _questions(given, native, common)
        case _:
            return _elicited(given, native, common)


def _command(given: Json, item: Json | None, native: Json, common: Json) -> Asked:
    words = items.command(str(given.get("command") or (item or {}).get("command") or ""))
    network = given.get("networkApprovalContext")
    where = {"network": network} if network else {}
    title = f"Network: {network.get('host')}" if isinstance(network, dict) else f"Shell: {words}"
    amendment = given.get("proposedExecpolicyAmendment")
    always = ("always",) if amendment and any(_AMEND in one for one in given.get("availableDecisions") or []) else ()
    return Asked(
        **common,
        tool="Shell",
        title=items.short(title),
        input={"command": words, "cwd": given.get("cwd") or "", **where},
        rules=() if network else [Rule(tool="Shell", subject=words)],
        scopes=("once", "session", *always),
        native={**native, "amendment": amendment} if always else native,
    )


def _files(given: Json, item: Json | None, native: Json, common: Json) -> Asked:
    cwd = str(common["cwd"])
    title, what = items.changed((item or {}).get("changes") or [], cwd)
    rest = {key: value for key, value in common.items() if key != "cwd"}
    root = {"root": given["grantRoot"]} if given.get("grantRoot") else {}
    rules = [Rule(tool="Edit", subject=path) for path in what["files"]] if what["files"] else ()
    return Asked(**rest, tool="Edit", title=title, input={**what, **root}, rules=rules, scopes=("once", "session"), native=native)


def _questions(given: Json, native: Json, common: Json) -> Asked:
    asks = [
        {
            "question": one["question"],
            "header": one.get("header") or "",
            "multiSelect": False,
            "options": [
                {"label": option["label"], "description": option.get("description") or ""} for option in one.get("options") or []
            ],
        }
        for one in given["questions"]
    ]
    ids = {str(one["question"]): str(one["id"]) for one in given["questions"]}
    title = items.short(str(asks[0]["question"])) if asks else "A question"
    return Asked(**common, tool="AskUserQuestion", title=title, input={"questions": asks}, native={**native, "ids": ids})


def _elicited(given: Json, native: Json, common: Json) -> Asked:
    """An MCP server asks: a form becomes questions, a page to open is named."""
    message = str(given.get("message") or given.get("title") or given.get("description") or "A question")
    title = items.short(f"{given['serverName']}: {message}")
    schema = given.get("requestedSchema") or {}
    fields = schema.get("properties") or {} if isinstance(schema, dict) else {}
    asks = [
        {"question": f"{field.get('title') or name}", "header": name, "multiSelect": False, "options": _options(field)}
        for name, field in fields.items()
    ]
    what = {"message": message, **({"url": given["url"]} if given.get("url") else {}), **({"questions": asks} if asks else {})}
    kinds = {str(ask["question"]): [ask["header"], str(fields[ask["header"]].get("type"))] for ask in asks}
    return Asked(**common, tool=f"mcp__{given['serverName']}", title=title, input=what, native={**native, "fields": kinds})


def _options(field: Json) -> Sequence[Json]:
    if field.get("type") == "boolean":
        return [{"label": "true", "description": ""}, {"label": "false", "description": ""}]
    named = field.get("oneOf") or [{"const": value} for value in field.get("enum") or []]
    return [{"label": str(one["const"]), "description": str(one.get("title") or "")} for one in named]


def result(answer: Answer) -> Json:
    """The answer in Codex's words."""
    native, allowed = answer.native, answer.decision == "allow"
    match native["method"]:
        case "item/permissions/requestApproval":
            scope = "turn" if answer.scope == "once" else "session"
            return {"permissions": native["permissions"], "scope": scope} if allowed else {"permissions": {}, "scope": "turn"}
        case "item/tool/requestUserInput":
            given = _answers(answer) if allowed else {}
            return {"answers": {native["ids"][ask]: {"answers": [said]} for ask, said in given.items() if ask in native["ids"]}}
        case "mcpServer/elicitation/request":
            fields = native.get("fields") or {}
            content = {fields[ask][0]: _typed(said, fields[ask][1]) for ask, said in _answers(answer).items() if ask in fields}
            return {"action": "accept" if allowed else "decline", "content": content if allowed else None, "_meta": None}
        case _:
            return {"decision": _decision(answer) if allowed and not replaced(answer) else "decline"}


def _decision(answer: Answer) -> str | Json:
    if answer.scope == "always" and answer.native.get("amendment"):
        return {_AMEND: {"execpolicy_amendment": answer.native["amendment"]}}
    return "accept" if answer.scope == "once" else "acceptForSession"


def replaced(answer: Answer) -> bool:
    """Whether a person wrote another command: Codex takes none in the place of its own, so that one is declined."""
    plain = answer.native["method"] in (COMMAND, FILES)
    return plain and answer.input is not None and dict(answer.input) != dict(answer.asked_input)


def _answers(answer: Answer) -> Mapping[str, str]:
    given = (answer.input or {}).get("answers")
    return {str(ask): str(said) for ask, said in given.items()} if isinstance(given, dict) else {}


def _typed(said: str, kind: str) -> object:
    try:
        match kind:
            case "boolean":
                return said.strip().lower() in ("true", "yes", "1")
            case "integer":
                return int(said)
            case "number":
                return float(said)
            case _:
                return said
    except ValueError:
        return said
