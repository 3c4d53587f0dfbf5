"""Anthropic's Messages API, as far as Claude Code uses it, answering by script.

`python -m tests.fake_models.anthropic [PORT]` serves it by hand; tests use `serving`.
"""

import json
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fake_models.script import Turn, newest, plan

_NAMES = {"shell": ("Bash", "bash"), "write": ("Write", "write")}


@dataclass(slots=True)
class Endpoint:
    """`requests` are the bodies of all conversations that were sent, in order."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    endpoint: Endpoint

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Quiet: tests look at `requests`."""

    def do_HEAD(self) -> None:
        self._json(200, {})

    def do_GET(self) -> None:
        self._json(200, {"data": [], "has_more": False})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        if self.path.startswith("/v1/messages/count_tokens"):
            return self._json(200, {"input_tokens": len(json.dumps(body)) // 4})
        self.endpoint.requests.append(body)
        turn = plan(newest(body.get("messages", [])))
        if turn.error:
            status, kind, message = turn.error
            return self._json(status, {"type": "error", "error": {"type": kind, "message": message}})
        time.sleep(turn.silent)
        answer = _message(body, turn)
        try:
            return self._stream(answer, turn) if body.get("stream") else self._json(200, answer)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the CLI gave up, e.g. after an interrupt
            return None

    def _json(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _stream(self, message: dict[str, Any], turn: Turn) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        head = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
        self._event("message_start", message=head)
        for index, block in enumerate(message["content"]):
            self._block(index, block, turn)
        self._event("message_delta", delta={"stop_reason": message["stop_reason"], "stop_sequence": None}, usage=message["usage"])
        self._event("message_stop")
        self.wfile.write(b"0\r\n\r\n")

    def _block(self, index: int, block: dict[str, Any], turn: Turn) -> None:
        starts: dict[str, dict[str, Any]] = {
            "text": {"text": ""},
            "thinking": {"thinking": "", "signature": ""},
            "tool_use": {"input": {}},
        }
        self._event("content_block_start", index=index, content_block={**block, **starts[block["type"]]})
        match block["type"]:
            case "text":
                for word in turn.words:
                    self._event("content_block_delta", index=index, delta={"type": "text_delta", "text": word})
                    time.sleep(turn.pause)
            case "thinking":
                self._event("content_block_delta", index=index, delta={"type": "thinking_delta", "thinking": turn.thinking})
                self._event("content_block_delta", index=index, delta={"type": "signature_delta", "signature": "ZmFrZQ=="})
            case _:
                delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
                self._event("content_block_delta", index=index, delta=delta)
        self._event("content_block_stop", index=index)

    def _event(self, kind: str, **fields: Any) -> None:
        data = f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()


def _message(body: dict[str, Any], turn: Turn) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    if turn.thinking:
        content.append({"type": "thinking", "thinking": turn.thinking, "signature": "ZmFrZQ=="})
    if turn.words:
        content.append({"type": "text", "text": "".join(turn.words)})
    if turn.tool:
        content.append({"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:20]}", **_tool(turn.tool, body.get("tools") or [])})
    return {
        "id": f"msg_{uuid.uuid4().hex[:20]}",
        "type": "message",
        "role": "assistant",
        "model": body.get("model", "fake"),
        "content": content,
        "stop_reason": "tool_use" if turn.tool else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 12,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 100,
            "output_tokens": 7 + len(turn.words),
        },
    }


def _tool(tool: tuple[str, dict[str, Any]], offered: list[dict[str, Any]]) -> dict[str, Any]:
    kind, arguments = tool
    if kind not in _NAMES:
        return {"name": kind, "input": arguments}
    known = {entry.get("name"): entry for entry in offered}
    name = next((name for name in _NAMES[kind] if name in known), _NAMES[kind][0])
    fields = known.get(name, {}).get("input_schema", {}).get("properties", {})
    if kind == "write":
        key = "file_path" if "file_path" in fields else "path"
        return {"name": name, "input": {key: arguments["path"], "content": arguments["content"]}}
    note = {"description": "A scripted command"} if "description" in fields else {}
    return {"name": name, "input": {**arguments, **note}}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def get_request(self) -> tuple[socket.socket, Any]:
        """An answer is many small writes: each is sent at once."""
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving(port: int = 0) -> Iterator[Endpoint]:
    """The endpoint on a port of loopback, for as long as the block lasts."""

    class ScriptedHandler(Handler): ...

    server = Server(("127.0.0.1", port), ScriptedHandler)
    endpoint = ScriptedHandler.endpoint = Endpoint(f"http://127.0.0.1:{server.server_address[1]}")
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
