"""An agent that only prints, as fast as it is told to: what is measured is what carries its lines.

It speaks Claude's stream-json. A message is a verb with numbers: `deltas COUNT`, `blocks COUNT`, `clock COUNT GAP`.
`python _agent.py COUNT…` prints the same to a bare pipe, without being asked over stdin.
"""

import json
import sys
import time
from collections.abc import Iterator

SESSION = "11111111-2222-4333-8444-555555555555"


def line(**what: object) -> str:
    return json.dumps(what, separators=(",", ":")) + "\n"


def event(**what: object) -> str:
    return line(type="stream_event", event=what, parent_tool_use_id=None, session_id=SESSION)


def block(name: str, text: str) -> str:
    message = {"id": name, "role": "assistant", "model": "fake", "content": [{"type": "text", "text": text}]}
    return line(type="assistant", message=message, parent_tool_use_id=None, session_id=SESSION)


def deltas(count: int, piece: str = "word ") -> Iterator[str]:
    """Words one by one, and a whole block after every hundred of them."""
    delta = event(type="content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
    for number in range(count // 100):
        name = f"d{time.time_ns()}-{number}"
        yield event(type="message_start", message={"id": name, "role": "assistant", "model": "fake", "content": []})
        yield event(type="content_block_start", index=0, content_block={"type": "text", "text": ""})
        yield delta * 97
        yield block(name, piece * 97)


def blocks(count: int) -> Iterator[str]:
    start = time.time_ns()
    before, after = block("#", "a line of what an agent says, of a usual length, and no more than that").split("#")
    for number in range(count):
        yield f"{before}b{start}-{number}{after}"


def clock(count: int, gap: float) -> Iterator[str]:
    """The time at which each line is printed, in nanoseconds."""
    for number in range(count):
        time.sleep(gap)
        yield block(f"c{time.time_ns()}-{number}", f"t{time.perf_counter_ns()}.")


def output(words: str) -> Iterator[str]:
    verb, *numbers = words.split()
    match verb:
        case "deltas":
            yield from deltas(int(numbers[0]))
        case "blocks":
            yield from blocks(int(numbers[0]))
        case "clock":
            yield from clock(int(numbers[0]), float(numbers[1]))
        case _:
            yield block(f"s{time.time_ns()}", words)
    yield line(type="result", subtype="success", is_error=False, duration_ms=1, num_turns=1, modelUsage={})


def say(words: str) -> None:
    for piece in output(words):
        sys.stdout.write(piece)
        if words.startswith("clock"):
            sys.stdout.flush()
    sys.stdout.flush()


def listen() -> None:
    for text in sys.stdin:
        said = json.loads(text)
        if said["type"] == "control_request":
            answer = {"subtype": "success", "request_id": said["request_id"], "response": {}}
            sys.stdout.write(line(type="control_response", response=answer))
            sys.stdout.flush()
        if said["type"] == "user":
            facts = {"session_id": SESSION, "model": "fake", "permissionMode": "default"}
            sys.stdout.write(line(type="system", subtype="init", **facts))
            say(said["message"]["content"][0]["text"])


if __name__ == "__main__":
    if "--version" in sys.argv:
        print("1.0.0 (a measuring agent)")
    elif len(sys.argv) > 1 and not sys.argv[1].startswith("-"):
        say(" ".join(sys.argv[1:]))
    else:
        listen()
