"""The same agent and model, seen through Volundr and through opencode's own server. `python -m tests.bench.peers`

The model's endpoint writes the time into every word. `floor` reads the endpoint itself. Both others run the opencode of
tests/agents: one under Volundr (ACP, shim, Skuld, gateway), one as `opencode serve` with its event stream.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import httpx

from tests.bench._kit import Row, memory, percentile, show
from tests.bench.chat import ask, attached
from tests.e2e.forge import forge_at

OPENCODE = Path(__file__).parent.parent / "agents/node_modules/.bin/opencode"
WORDS, PAUSE = 300, 0.004
ROUNDS = 3
LIMIT = 60.0
_TIME = re.compile(r"t(\d{6,})\.")


async def model(reader: StreamReader, writer: StreamWriter) -> None:
    """Answers every request with words that say when they were written."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        await reader.readexactly(int(found[1]) if found else 0)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        for _ in range(WORDS):
            writer.write(_chunk({"content": f"t{time.monotonic_ns() // 1000}. "}))
            await writer.drain()
            await asyncio.sleep(PAUSE)
        writer.write(_chunk({}, "stop") + b"data: [DONE]\n\n")
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()


def _chunk(delta: Mapping[str, str], end: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", **delta}, "finish_reason": end}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2} if end else None
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "words", "choices": [choice], "usage": usage}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


async def delays(pieces: AsyncIterator[str]) -> list[float]:
    """Milliseconds from the endpoint's write to here, of each word the first time it is seen."""
    seen: dict[str, float] = {}
    async with asyncio.timeout(LIMIT):
        async for piece in pieces:
            now = time.monotonic_ns() / 1000
            for word in _TIME.findall(piece):
                seen.setdefault(word, (now - int(word)) / 1000)
    return list(seen.values())


async def direct(url: str) -> AsyncIterator[str]:
    async with httpx.AsyncClient(timeout=LIMIT, trust_env=False) as http, http.stream("POST", url, content=b"{}") as answer:
        async for piece in answer.aiter_text():
            yield piece


async def through_peer(address: str) -> AsyncIterator[str]:
    """A new session of `opencode serve`: its events until it is idle."""
    async with httpx.AsyncClient(base_url=address, timeout=LIMIT, trust_env=False) as http:
        session = (await http.post("/session", json={})).json()["id"]
        async with http.stream("GET", "/event") as events:
            lines = events.aiter_lines()
            await anext(lines)
            saying = asyncio.get_running_loop().create_task(
                http.post(f"/session/{session}/message", json={"parts": [{"type": "text", "text": "go"}]})
            )
            async for line in lines:
                yield line
                if '"session.idle"' in line:
                    break
            await saying


@asynccontextmanager
async def peer(home: Path, env: Mapping[str, str]) -> AsyncIterator[tuple[str, int]]:
    """(address, pid) of `opencode serve`."""
    process = await asyncio.create_subprocess_exec(
        str(OPENCODE),
        "serve",
        "--port",
        "0",
        "--hostname",
        "127.0.0.1",
        cwd=home,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(LIMIT):
            while not (found := re.search(rb"listening on (http://\S+)", await process.stdout.readline())):
                pass
        yield found[1].decode(), process.pid
    finally:
        process.terminate()
        await process.wait()


def tree(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((child / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            if parent == int(task.name):
                yield from tree(int(child.name))


def pss(*roots: int) -> float:
    return sum(memory(pid)[0] for root in roots for pid in tree(root))


async def measured(home: Path, url: str, env: Mapping[str, str]) -> None:
    found: dict[str, list[float]] = {"floor": [], "volundr": [], "peer": []}
    with forge_at(home / "forge", **{name: env[name] for name in ("HOME", "PATH")}) as forge:
        session = await asyncio.to_thread(forge.session, "peer", "opencode")
        await asyncio.to_thread(forge.until, session["id"], "running")
        async with peer(home, env) as (address, pid), attached(forge, session["id"]) as socket:
            for _ in range(ROUNDS):
                found["floor"] += await delays(direct(url))
                found["volundr"] += await delays(ask(socket, "go"))
                found["peer"] += await delays(through_peer(address))
            ours = [forge.pid(role) for role in ("forge", "skuld", "shim")]
            sizes = (sum(memory(one)[0] for one in ours), pss(*ours), pss(pid))
    _shown(found, sizes)


def _shown(found: Mapping[str, list[float]], sizes: tuple[float, float, float]) -> None:
    rows = []
    for name, label in (("volundr", "Volundr with opencode"), ("peer", "opencode serve")):
        for which, word in ((50, "p50"), (99, "p99")):
            value, floor = (percentile(found[one], which) for one in (name, "floor"))
            rows.append(Row(what=f"word to client, {label}, {word}", value=value, unit="ms", floor=floor))
        rows.append(Row(what=f"words seen of {WORDS * ROUNDS}, {label}", value=len(found[name]), unit="words"))
    rows += [
        Row(what="Volundr itself, three processes", value=sizes[0], unit="MB PSS"),
        Row(what="Volundr with one opencode session", value=sizes[1], unit="MB PSS"),
        Row(what="opencode serve with its sessions", value=sizes[2], unit="MB PSS"),
        Row(what="median of the floor", value=median(found["floor"]), unit="ms"),
    ]
    show("Beside a peer: the same agent, the same model", rows)


async def main() -> None:
    if not OPENCODE.exists():
        sys.exit("opencode is missing: `npm install --no-save` in tests/agents installs it.")
    server = await asyncio.start_server(model, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    with tempfile.TemporaryDirectory(prefix="volundr-peer-") as folder:
        home = Path(folder)
        (home / ".config/opencode").mkdir(parents=True)
        options = {"npm": "@ai-sdk/openai-compatible", "options": {"baseURL": url, "apiKey": "x"}, "models": {"words": {}}}
        config = {"model": "bench/words", "provider": {"bench": options}, "autoupdate": False}
        (home / ".config/opencode/opencode.json").write_text(json.dumps(config))
        env = {"HOME": folder, "PATH": f"{OPENCODE.parent}{os.pathsep}{os.environ['PATH']}"}
        async with server:
            await measured(home, f"{url}/chat/completions", env)


if __name__ == "__main__":
    asyncio.run(main())
