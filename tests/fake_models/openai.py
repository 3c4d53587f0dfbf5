"""OpenAI's Responses and Chat Completions APIs, as far as agent CLIs use them, answering by script (see script.py).

`python -m tests.fake_models.openai [PORT]` serves it by hand; tests use `serving`.
"""

import json
import re
import shlex
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.fake_models.anthropic import Server
from tests.fake_models.script import Asked, Turn, plan

MODEL = "scripted-model"
_SHELLS = ("exec_command", "shell_command", "shell", "local_shell", "bash", "run_shell_command")
_WRITERS = ("apply_patch", "write", "write_file")
_NOTE = re.compile(
    r"<(system-reminder|environment_context|user_instructions|permissions instructions|turn_aborted)\b.*?</\1>"
    r"|# AGENTS\.md instructions.*?</INSTRUCTIONS>",
    re.DOTALL,
)
_USAGE = {"input": 112, "cached": 100}


@dataclass(slots=True)
class Endpoint:
    """`url` is without the `/v1`; `requests` are the bodies of all conversations that were sent, in order."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One tool call. `custom`: its input is a text, not JSON. `namespace`: the group that it was offered in."""

    name: str
    given: str
    custom: bool = False
    namespace: str = ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    endpoint: Endpoint

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Quiet: tests look at `requests`."""

    def do_GET(self) -> None:
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "tests"}
        self._json(200, {"object": "list", "data": [model]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        self.endpoint.requests.append(body)
        chat = self.path.startswith("/v1/chat/completions")
        asked = _newest(body.get("messages") or [] if chat else _items(body))
        turn = plan(asked)
        if turn.error:
            status, kind, message = turn.error
            return self._json(status, {"error": {"type": kind, "code": kind, "message": message}})
        time.sleep(turn.silent)
        try:
            return _Chat(self, body, turn).answer() if chat else _Response(self, body, turn).answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the CLI gave up, e.g. after an interrupt
            return None

    def _json(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def event(self, data: str, kind: str = "") -> None:
        text = (f"event: {kind}\n" if kind else "") + f"data: {data}\n\n"
        sent = text.encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(sent), sent))
        self.wfile.flush()

    def end(self) -> None:
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def whole(self, value: Any) -> None:
        self._json(200, value)


class _Response:
    """One answer of the Responses API."""

    def __init__(self, handler: Handler, body: dict[str, Any], turn: Turn) -> None:
        self._handler = handler
        self._body = body
        self._turn = turn
        self._stream = bool(body.get("stream"))
        self._number = 0
        self._output: list[dict[str, Any]] = []

    def answer(self) -> None:
        turn = self._turn
        response: dict[str, Any] = {
            "id": _id("resp"),
            "object": "response",
            "created_at": int(time.time()),
            "model": self._body.get("model"),
            "status": "in_progress",
            "output": [],
            "usage": None,
        }
        if self._stream:
            self._handler.begin()
        self._emit("response.created", response=response)
        if turn.thinking:
            self._thinking()
        if turn.words:
            self._message()
        if turn.tool:
            self._call(_call(turn.tool, self._body.get("tools") or []))
        usage = {
            "input_tokens": _USAGE["input"],
            "input_tokens_details": {"cached_tokens": _USAGE["cached"]},
            "output_tokens": 7 + len(turn.words),
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": _USAGE["input"] + 7 + len(turn.words),
        }
        done = {**response, "status": "completed", "output": self._output, "usage": usage}
        self._emit("response.completed", response=done)
        if self._stream:
            self._handler.end()
        else:
            self._handler.whole(done)

    def _emit(self, kind: str, **fields: Any) -> None:
        if self._stream:
            self._handler.event(json.dumps({"type": kind, "sequence_number": self._number, **fields}), kind)
            self._number += 1

    def _begun(self, item: dict[str, Any]) -> dict[str, Any]:
        self._emit("response.output_item.added", output_index=len(self._output), item=item)
        return {"item_id": item["id"], "output_index": len(self._output)}

    def _done(self, item: dict[str, Any]) -> None:
        self._emit("response.output_item.done", output_index=len(self._output), item=item)
        self._output.append(item)

    def _thinking(self) -> None:
        thought = self._turn.thinking
        item = {"id": _id("rs"), "type": "reasoning", "summary": []}
        at = {**self._begun(item), "summary_index": 0}
        self._emit("response.reasoning_summary_part.added", **at, part={"type": "summary_text", "text": ""})
        self._emit("response.reasoning_summary_text.delta", **at, delta=thought)
        self._emit("response.reasoning_summary_text.done", **at, text=thought)
        self._done({**item, "summary": [{"type": "summary_text", "text": thought}]})

    def _message(self) -> None:
        item = {"id": _id("msg"), "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        at = {**self._begun(item), "content_index": 0}
        text = "".join(self._turn.words)
        part = {"type": "output_text", "text": text, "annotations": []}
        self._emit("response.content_part.added", **at, part={**part, "text": ""})
        for word in self._turn.words:
            self._emit("response.output_text.delta", **at, delta=word)
            time.sleep(self._turn.pause)
        self._emit("response.output_text.done", **at, text=text)
        self._emit("response.content_part.done", **at, part=part)
        self._done({**item, "status": "completed", "content": [part]})

    def _call(self, call: Call) -> None:
        kind, key, event = (
            ("custom_tool_call", "input", "response.custom_tool_call_input")
            if call.custom
            else ("function_call", "arguments", "response.function_call_arguments")
        )
        item = {"id": _id("fc"), "type": kind, "status": "in_progress", "call_id": _id("call"), "name": call.name, key: ""}
        item |= {"namespace": call.namespace} if call.namespace else {}
        at = self._begun(item)
        self._emit(f"{event}.delta", **at, delta=call.given)
        self._emit(f"{event}.done", **at, **{key: call.given})
        self._done({**item, "status": "completed", key: call.given})


class _Chat:
    """One answer of the Chat Completions API."""

    def __init__(self, handler: Handler, body: dict[str, Any], turn: Turn) -> None:
        self._handler = handler
        self._body = body
        self._turn = turn
        self._head = {"id": _id("chatcmpl"), "created": int(time.time()), "model": body.get("model")}

    def answer(self) -> None:
        turn = self._turn
        calls = []
        if turn.tool:
            call = _call(turn.tool, self._body.get("tools") or [])
            given = json.dumps({"input": call.given}) if call.custom else call.given
            calls = [{"id": _id("call"), "type": "function", "function": {"name": call.name, "arguments": given}}]
        usage = {
            "prompt_tokens": _USAGE["input"],
            "completion_tokens": 7 + len(turn.words),
            "total_tokens": _USAGE["input"] + 7 + len(turn.words),
            "prompt_tokens_details": {"cached_tokens": _USAGE["cached"]},
        }
        finish = "tool_calls" if calls else "stop"
        if not self._body.get("stream"):
            message = {"role": "assistant", "content": "".join(turn.words), **({"tool_calls": calls} if calls else {})}
            choice = {"index": 0, "message": message, "finish_reason": finish}
            return self._handler.whole({**self._head, "object": "chat.completion", "choices": [choice], "usage": usage})
        self._handler.begin()
        self._chunk({"role": "assistant", "content": ""})
        if turn.thinking:
            self._chunk({"reasoning_content": turn.thinking})
        for word in turn.words:
            self._chunk({"content": word})
            time.sleep(turn.pause)
        if calls:
            self._chunk({"tool_calls": [{"index": 0, **calls[0]}]})
        self._chunk({}, finish)
        last: dict[str, Any] = {**self._head, "object": "chat.completion.chunk", "choices": [], "usage": usage}
        self._handler.event(json.dumps(last))
        self._handler.event("[DONE]")
        return self._handler.end()

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self._handler.event(json.dumps({**self._head, "object": "chat.completion.chunk", "choices": [choice]}))


def _items(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The input of the Responses API in the shape of chat messages: a role of "tool" for what a tool gave back."""
    given = body.get("input") or []
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    found = []
    for item in given:
        kind = item.get("type", "message")
        if kind.endswith("_call_output"):
            found.append({"role": "tool"})
        elif kind == "message":
            found.append(item)
    return found


def _newest(messages: Sequence[dict[str, Any]]) -> Asked:
    rounds, texts = 0, []
    for message in messages:
        if message["role"] == "tool":
            rounds += 1
        elif message["role"] == "user" and (said := _own(message.get("content"))):
            texts.append(said)
            rounds = 0
    return Asked(texts[-1] if texts else "", rounds, texts[:-1])


def _own(content: Any) -> str:
    """A user message's text without the notes that CLIs put into user messages."""
    parts = [{"text": content}] if isinstance(content, str) else content or []
    return _NOTE.sub("", "\n".join(part.get("text") or "" for part in parts)).strip()


def _call(tool: tuple[str, dict[str, Any]], offered: Sequence[dict[str, Any]]) -> Call:
    """The call in the words of the tools that this CLI offers."""
    kind, given = tool
    known = {(inner := one.get("function", one)).get("name") or one["type"]: (one["type"], inner) for one in offered}
    if kind == "shell":
        return _shell(given["command"], known)
    if kind == "write":
        return _write(given["path"], given["content"], known)
    if known.get(kind, ("",))[0] == "custom":
        return Call(name=kind, given=str(given.get("input", json.dumps(given))), custom=True)
    group, _, name = kind.rpartition("__")
    if known.get(group, ("",))[0] == "namespace":
        return Call(name=name, given=json.dumps(given), namespace=group)
    return Call(name=kind, given=json.dumps(given))


def _shell(command: str, known: dict[str, Any]) -> Call:
    name = next((name for name in _SHELLS if name in known), "shell")
    fields = _fields(known.get(name))
    given: dict[str, Any] = {"command": command}
    if "cmd" in fields:
        given = {"cmd": command}
    elif fields.get("command", {}).get("type") == "array":
        given = {"command": ["bash", "-lc", command]}
    if "description" in fields:
        given["description"] = "A scripted command"
    return Call(name=name, given=json.dumps(given))


def _write(path: str, content: str, known: dict[str, Any]) -> Call:
    name = next((name for name in _WRITERS if name in known), "")
    if not name:  # no tool for files: the shell writes it
        return _shell(f"printf %s {shlex.quote(content)} > {shlex.quote(path)}", known)
    if name != "apply_patch":
        fields = _fields(known[name])
        key = next((key for key in ("filePath", "file_path", "path") if key in fields), "path")
        return Call(name=name, given=json.dumps({key: path, "content": content}))
    lines = "".join(f"+{line}\n" for line in content.splitlines())
    patch = f"*** Begin Patch\n*** Add File: {path}\n{lines}*** End Patch"
    if known[name][0] == "custom":
        return Call(name=name, given=patch, custom=True)
    return Call(name=name, given=json.dumps({"input": patch}))


def _fields(known: tuple[str, dict[str, Any]] | None) -> dict[str, Any]:
    found: dict[str, Any] = ((known[1].get("parameters") or {}) if known else {}).get("properties", {})
    return found


def _id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:20]}"


@contextmanager
def serving(port: int = 0) -> Iterator[Endpoint]:
    """The endpoint on a port of loopback, for as long as the block lasts."""
    handler = type("ScriptedHandler", (Handler,), {})
    server = Server(("127.0.0.1", port), handler)
    endpoint = Endpoint(f"http://127.0.0.1:{server.server_address[1]}")
    handler.endpoint = endpoint  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


if __name__ == "__main__":
    with serving(int(sys.argv[1]) if len(sys.argv) > 1 else 0) as running:
        print(running.url, flush=True)
        threading.Event().wait()
