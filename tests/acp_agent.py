"""A small agent that speaks ACP as no installed one does: it does what the prompt says, by words of its own.

    odd      prints noise, updates of unknown kinds, requests nobody offers
    plan     tells a plan
    change   a tool call with the diff of a file
    ask      asks for permission, with every kind of option; says which one was chosen
    wait     says a word and then nothing until it is cancelled
    cost     tells tokens and the cost of the whole conversation
    end      ends the turn for the reason that follows

With `load` as its argument it can load sessions, and replays their history; with `login` it wants the method "key".
"""

import json
import sys
from typing import Any

OPTIONS = [
    {"optionId": "a1", "kind": "allow_once", "name": "Yes"},
    {"optionId": "a2", "kind": "allow_always", "name": "Allow for this session"},
    {"optionId": "a3", "kind": "allow_always", "name": "Allow in all future sessions"},
    {"optionId": "r1", "kind": "reject_once", "name": "No"},
]
MODELS = {
    "availableModels": [{"modelId": "small", "name": "Small"}, {"modelId": "big", "name": "Big"}],
    "currentModelId": "small",
}
MODES = {"availableModes": [{"id": "ask", "name": "Ask"}, {"id": "code", "name": "Code"}], "currentModeId": "ask"}
DIFF = {"type": "diff", "path": "/w/a.txt", "oldText": "one\ntwo\n", "newText": "one\n2\n"}


def send(**said: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", **said}), flush=True)


def update(what: str, /, **said: Any) -> None:
    send(method="session/update", params={"sessionId": "s-1", "update": {"sessionUpdate": what, **said}})


def say(text: str) -> None:
    update("agent_message_chunk", content={"type": "text", "text": text})


def odd() -> None:
    print("just some noise", flush=True)
    update("weather_update", sky="blue")
    send(method="_vendor/status", params={"fine": True})
    send(id="r9", method="terminal/create", params={"command": "ls"})
    say(f"refused: {json.loads(sys.stdin.readline())['error']['code']}")


def ask() -> None:
    call = {"toolCallId": "c1", "title": "touch x", "kind": "execute", "rawInput": {"command": "touch x"}}
    send(id=7, method="session/request_permission", params={"sessionId": "s-1", "toolCall": call, "options": OPTIONS})
    outcome = json.loads(sys.stdin.readline())["result"]["outcome"]
    update("tool_call_update", toolCallId="c1", status="completed")
    say(str(outcome.get("optionId", outcome["outcome"])))


def wait() -> str:
    say("waiting")
    while json.loads(sys.stdin.readline())["method"] != "session/cancel":
        pass
    return "cancelled"


def change() -> None:
    update("tool_call", toolCallId="c2", title="Edit a.txt", kind="edit", status="in_progress", rawInput={"path": "/w/a.txt"})
    update("tool_call_update", toolCallId="c2", status="completed", content=[DIFF])


def prompt(text: str) -> dict[str, Any]:
    words = text.split()
    usage: dict[str, Any] = {}
    reason = "end_turn"
    for word in words:
        match word:
            case "odd":
                odd()
            case "plan":
                entries = [{"content": "Look", "status": "completed"}, {"content": "Do", "status": "in_progress"}]
                update("plan", entries=entries)
            case "change":
                change()
            case "ask":
                ask()
            case "wait":
                reason = wait()
            case "cost":
                update("usage_update", used=5, size=100, cost={"amount": 0.25, "currency": "USD"})
                usage = {"usage": {"inputTokens": 10, "outputTokens": 3, "totalTokens": 13, "cachedReadTokens": 4}}
            case "end":
                reason = words[-1]
            case _:
                pass
    return {"stopReason": reason, **usage}


def respond(method: str, params: dict[str, Any], login: bool) -> dict[str, Any]:
    match method:
        case "initialize":
            methods = [{"id": "key", "name": "Key"}] if login else []
            return {"protocolVersion": 1, "authMethods": methods, "agentCapabilities": {"loadSession": "load" in sys.argv}}
        case "session/load":
            update("user_message_chunk", content={"type": "text", "text": "what was said"})
            say("what was answered")
            update(
                "available_commands_update", availableCommands=[{"name": "web", "description": "Look", "input": {"hint": "what"}}]
            )
            return {"models": MODELS, "modes": MODES}
        case "session/new":
            return {"sessionId": "s-1", "models": MODELS, "modes": MODES}
        case "session/prompt":
            return prompt(params["prompt"][0]["text"])
        case _:
            return {}


def main() -> None:
    login = "login" in sys.argv
    known = not login
    while line := sys.stdin.readline():
        said = json.loads(line)
        method = said.get("method", "")
        if "id" not in said:
            continue
        known = known or method == "authenticate"
        if method == "session/new" and not known:
            send(id=said["id"], error={"code": -32000, "message": "Authentication required"})
        elif method == "session/set_config_option":
            send(id=said["id"], error={"code": -32601, "message": "Method not found"})
        else:
            send(id=said["id"], result=respond(method, said.get("params", {}), login))


if __name__ == "__main__":
    main()
