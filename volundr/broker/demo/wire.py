"""The demo agent's side of stream-json: what it prints, and the permissions it waits for."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

type Json = Mapping[str, Any]

NOBODY: Json = {"behavior": "deny", "message": "Nobody is there to allow it."}


class Wire:
    """Prints objects, one a line, and takes answers to its questions from whoever reads stdin."""

    def __init__(self, session: str) -> None:
        self.session = session
        self._deaf = False
        self._asked: dict[str, asyncio.Future[Json]] = {}

    def put(self, **what: Any) -> None:
        sys.stdout.write(json.dumps({"session_id": self.session, "uuid": str(uuid4()), **what}, separators=(",", ":")) + "\n")
        sys.stdout.flush()

    def stream(self, **event: Any) -> None:
        self.put(type="stream_event", event=event, parent_tool_use_id=None)

    def tool_result(self, tool_id: str, text: str, *, ok: bool, twin: object) -> None:
        block = {"type": "tool_result", "tool_use_id": tool_id, "content": text, "is_error": not ok}
        self.put(type="user", message={"role": "user", "content": [block]}, parent_tool_use_id=None, tool_use_result=twin)

    async def ask(self, tool: str, given: Json, tool_id: str, suggestions: Sequence[Json]) -> Json:
        """Ask for permission and wait for the answer. When the wait is cancelled the question is taken back."""
        if self._deaf:
            return NOBODY
        request_id = str(uuid4())
        request = {"subtype": "can_use_tool", "tool_name": tool, "input": given, "tool_use_id": tool_id}
        answer: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._asked[request_id] = answer
        self.put(type="control_request", request_id=request_id, request={**request, "permission_suggestions": suggestions})
        try:
            return await answer
        except asyncio.CancelledError:
            self.put(type="control_cancel_request", request_id=request_id)
            raise
        finally:
            del self._asked[request_id]

    def nobody_answers(self) -> None:
        """stdin has ended: whatever is or will be asked is denied."""
        self._deaf = True
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_result(NOBODY)

    def answered(self, response: Json) -> None:
        waiting = self._asked.get(str(response.get("request_id")))
        if waiting is not None and not waiting.done():
            waiting.set_result(response.get("response") or {"behavior": "deny", "message": str(response.get("error"))})


class Message:
    """One message of the agent, block after block, as a model's API streams it."""

    def __init__(self, wire: Wire, model: str) -> None:
        self._wire = wire
        self._model = model
        self._id = f"msg_{uuid4().hex[:20]}"
        self._index = -1
        wire.stream(type="message_start", message={"id": self._id, "role": "assistant", "model": model, "content": []})

    async def text(self, pieces: Sequence[str], pause: float, kind: str = "text") -> None:
        """A block of text or thinking. When it is cancelled, the block ends with what was said so far."""
        self._open({"type": kind, kind: ""})
        said: list[str] = []
        try:
            for piece in pieces:
                said.append(piece)
                self._delta({"type": f"{kind}_delta", kind: piece})
                await asyncio.sleep(pause)
        finally:
            self._whole({"type": kind, kind: "".join(said)})

    def tool(self, name: str, given: Json) -> str:
        """A call of a tool; its id."""
        tool_id = f"toolu_{uuid4().hex[:20]}"
        self._open({"type": "tool_use", "id": tool_id, "name": name, "input": {}})
        self._delta({"type": "input_json_delta", "partial_json": json.dumps(given)})
        self._whole({"type": "tool_use", "id": tool_id, "name": name, "input": given})
        return tool_id

    def end(self) -> None:
        self._wire.stream(type="message_stop")

    def _open(self, block: Json) -> None:
        self._index += 1
        self._wire.stream(type="content_block_start", index=self._index, content_block=block)

    def _delta(self, delta: Json) -> None:
        self._wire.stream(type="content_block_delta", index=self._index, delta=delta)

    def _whole(self, block: Json) -> None:
        message = {"id": self._id, "role": "assistant", "model": self._model, "content": [block]}
        self._wire.put(type="assistant", message=message, parent_tool_use_id=None)
        self._wire.stream(type="content_block_stop", index=self._index)
