"""A tool server that speaks MCP on its input and output: `echo` answers with its text and the variable BOX_TOKEN, which it
also puts into the file that BOX_FILE names. Run as `python tool_server.py`."""

import json
import os
import sys
from pathlib import Path
from typing import Any

TOOL = {
    "name": "echo",
    "description": "Says what it is told.",
    "inputSchema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    "annotations": {"readOnlyHint": True},
}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any]:
    match method:
        case "initialize":
            told = {"name": "box", "version": "1"}
            return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": told}
        case "tools/list":
            return {"tools": [TOOL]}
        case "tools/call":
            Path(os.environ["BOX_FILE"]).write_text(os.environ["BOX_TOKEN"])
            return {"content": [{"type": "text", "text": f"heard {params['arguments']['text']}"}]}
        case _:
            return {}


for line in sys.stdin:
    said = json.loads(line)
    if "id" in said:
        result = answer(said["method"], said.get("params") or {})
        print(json.dumps({"jsonrpc": "2.0", "id": said["id"], "result": result}), flush=True)
