"""What the kill tests look at: a forge's agents, its logs, and processes by what they were started with."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.chat_client import Watcher, watching
from tests.e2e.forge import Forge, wait_for

MARKS = {"demo": "demo-agent", "claude": "stream-json"}


@contextmanager
def attached(forge: Forge, session: dict[str, Any]) -> Iterator[Watcher]:
    with watching(session["id"], lambda: (forge.url, forge.token)) as watcher:
        yield watcher


def agent_pid(forge: Forge, agent: str) -> int:
    """The process that the shim's keeper started: the oldest one with the agent's flags."""
    found = [pid for pid, command in forge.processes().items() if MARKS[agent] in command]
    assert found, f"no process of {agent} is alive"
    return min(found)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def with_words(*words: str) -> set[int]:
    """Living processes that have all these words among their arguments."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if all(word.encode() in arguments for word in words) and alive(int(folder.name)):
            found.add(int(folder.name))
    return found - {os.getpid()}


def turn_end(chat: Watcher, turn: int, seconds: float = 30) -> dict[str, Any]:
    """How this turn ended, once it did."""
    return wait_for(
        f"turn {turn} to end", lambda: next((end for end in chat.of("turn_finished") if end["turn"] == turn), None), seconds
    )


def asked(chat: Watcher, count: int = 1) -> dict[str, Any]:
    """The permission that the agent asked for as its `count`th."""
    raised = wait_for("a permission to be asked for", lambda: (found := chat.of("permission_raised"))[count - 1 :] and found)
    return dict(raised[count - 1])


def assert_each_record_once(forge: Forge, session: dict[str, Any], chat: Watcher) -> None:
    """The client has what the log holds: all of it, in order, nothing twice, byte for byte."""
    log = forge.home / "sessions" / session["id"] / "log.ndjson"

    def lines() -> list[bytes]:
        return [line[10:] for line in log.read_bytes().splitlines()]

    wait_for("the client to have the whole log", lambda: chat.client.seq >= len(lines()))
    stored = lines()
    assert [json.loads(line)["seq"] for line in stored] == list(range(1, len(stored) + 1))
    assert chat.client.arrived == list(range(1, len(chat.client.arrived) + 1)), "a record was missed or came twice"
    assert [chat.client.raw[seq] for seq in sorted(chat.client.raw)][: len(stored)] == stored
