"""The demo agent as a program: it does what it says, asks before, and remembers."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from volundr.broker.demo.plugin import DemoAgent
from volundr.broker.demo.requests import Step, understand
from volundr.broker.demo.words import ABILITIES, GREETING, STORY
from volundr.broker.transports.transport import Job
from volundr.process import own_command


class Program:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.seen: list[dict[str, Any]] = []

    def send(self, **what: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what).encode() + b"\n")

    def say(self, text: str, uuid: str = "u") -> None:
        self.send(type="user", message={"role": "user", "content": [{"type": "text", "text": text}]}, uuid=uuid)

    async def until(self, test: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with asyncio.timeout(15):
            while line := await self.process.stdout.readline():
                said = json.loads(line)
                self.seen.append(said)
                if test(said):
                    return dict(said)
        raise AssertionError("it ended")

    async def result(self) -> dict[str, Any]:
        return await self.until(lambda said: said["type"] == "result")

    async def question(self) -> dict[str, Any]:
        return await self.until(lambda said: said["type"] == "control_request")

    def answer(self, question: dict[str, Any], **answer: Any) -> None:
        response = {"subtype": "success", "request_id": question["request_id"], "response": answer}
        self.send(type="control_response", response=response)

    def text(self) -> str:
        blocks = [said["message"]["content"][0] for said in self.seen if said["type"] == "assistant"]
        return "".join(block.get("text", "") for block in blocks)


@asynccontextmanager
async def demo(folder: Path, *flags: str) -> AsyncIterator[Program]:
    work = folder / "work"
    work.mkdir(exist_ok=True)
    argv = [*own_command(), "demo-agent", "--state", str(folder / "state"), *flags]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, cwd=work, limit=1 << 24)
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            assert process.stdin is not None
            process.stdin.close()
        async with asyncio.timeout(10):
            await process.wait()


def test_it_writes_a_file_after_it_was_allowed(tmp_path: Path) -> None:
    async def main() -> None:
        async with demo(tmp_path) as agent:
            agent.say("write a file notes/a.md with Hello there")
            question = await agent.question()
            assert not (tmp_path / "work" / "notes").exists()
            assert question["request"]["input"] == {"file_path": "notes/a.md", "content": "Hello there\n"}
            agent.answer(question, behavior="allow", updatedInput={**question["request"]["input"], "content": "Changed\n"})
            assert (await agent.result())["is_error"] is False
            assert (tmp_path / "work" / "notes" / "a.md").read_text() == "Changed\n"

    asyncio.run(main())


def test_a_denied_command_is_not_run_and_the_turn_goes_on(tmp_path: Path) -> None:
    async def main() -> None:
        async with demo(tmp_path) as agent:
            agent.say("run touch made")
            agent.answer(await agent.question(), behavior="deny", message="No thanks")
            assert (await agent.result())["is_error"] is False
            results = [said for said in agent.seen if said["type"] == "user" and not said.get("isReplay")]
            assert results[0]["message"]["content"][0]["content"] == "No thanks"
            assert not (tmp_path / "work" / "made").exists()

    asyncio.run(main())


def test_what_was_allowed_for_longer_is_not_asked_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with demo(tmp_path) as agent:
            agent.say("{{bash: echo one >> log}}")
            question = await agent.question()
            request = question["request"]
            agent.answer(
                question, behavior="allow", updatedInput=request["input"], updatedPermissions=request["permission_suggestions"]
            )
            await agent.result()
            agent.say("{{bash: echo one >> log}}")
            await agent.result()
            assert (tmp_path / "work" / "log").read_text() == "one\none\n"

    asyncio.run(main())


def test_an_interrupt_ends_the_turn_its_command_and_its_question(tmp_path: Path) -> None:
    async def main() -> None:
        async with demo(tmp_path) as agent:
            agent.say("{{bash: sleep 100}}")
            await agent.question()
            agent.send(type="control_request", request_id="i", request={"subtype": "interrupt"})
            await agent.until(lambda said: said["type"] == "control_cancel_request")
            assert (await agent.result())["terminal_reason"].startswith("aborted")
            agent.say("{{text: still here}}")
            await agent.result()
            assert agent.text() == "still here"

    asyncio.run(main())


def test_resuming_remembers_and_a_lost_conversation_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        async with demo(tmp_path) as agent:
            agent.say("{{text: ok}} the password is swordfish")
            session = (await agent.result())["session_id"]
            agent.process.kill()
        async with demo(tmp_path, "--resume", session) as agent:
            agent.say("what did I say?")
            assert (await agent.result())["session_id"] == session
            assert "swordfish" in agent.text()
        async with demo(tmp_path, "--resume", "00000000-0000-0000-0000-000000000000") as agent:
            assert DemoAgent(None).lost((await agent.result())["errors"][0])
            await agent.process.wait()
            assert agent.process.returncode == 1

    asyncio.run(main())


def test_scripted_failures(tmp_path: Path) -> None:
    async def main() -> None:
        async with demo(tmp_path) as agent:
            agent.say("{{think: hm}} {{error: out of luck}}")
            failed = await agent.result()
            assert (failed["is_error"], failed["result"]) == (True, "out of luck")
            agent.say("{{flood: 5000}}")
            await agent.result()
            assert sum(said["type"] == "stream_event" for said in agent.seen) > 5000
            agent.say("{{crash: 9}}")
            with pytest.raises(AssertionError, match="it ended"):
                await agent.result()
            await agent.process.wait()
            assert agent.process.returncode == 9

    asyncio.run(main())


def test_messages_sent_meanwhile_become_one_turn(tmp_path: Path) -> None:
    async def main() -> None:
        async with demo(tmp_path) as agent:
            agent.say("{{hang: 0.3}}", "a")
            await agent.until(lambda said: bool(said.get("isReplay")))
            agent.say("{{text: b}}", "b")
            agent.say("{{text: c}}", "c")
            await agent.result()
            await agent.result()
            assert agent.text() == "bc"
            assert [said["uuid"] for said in agent.seen if said.get("isReplay")] == ["a", "b", "c"]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("message", "step"),
    [
        ("write a file a.txt with hi", Step("write", "a.txt :: hi")),
        ("Create the file `b c` with x", None),
        ("run `git status`", Step("bash", "git status")),
        ("show notes.md", Step("read", "notes.md")),
        ("list files", Step("read", ".")),
        ("show me all the files", Step("read", ".")),
        ("tell me a long story", Step("slow", STORY)),
        ("hello", Step("text", GREETING)),
        ("refactor everything", Step("text", ABILITIES)),
        ("", Step("text", ABILITIES)),
    ],
)
def test_plain_words_are_understood(message: str, step: Step | None) -> None:
    steps = understand(message, [])
    assert steps
    assert step is None or step in steps


def test_a_script_that_ends_with_a_tool_ends_with_a_word() -> None:
    assert understand("{{text: a}} {{bash: ls}}", [])[-1] == Step("text", "Done.")
    assert understand("{{bash: ls}} {{text: a}}", [])[-1] == Step("text", "a")


def test_it_says_plainly_what_it_is() -> None:
    assert all("without a model" in text for text in (GREETING, ABILITIES, STORY))
    assert "```python" in STORY
    assert "|---|" in STORY


def test_its_transcript_lies_with_the_session(tmp_path: Path) -> None:
    launch = DemoAgent(tmp_path / "sessions").launch(Job(session="s1", cwd=tmp_path, resume="r"))
    assert launch.argv[-4:] == ["--resume", "r", "--state", str(tmp_path / "sessions" / "s1" / "demo")]


def test_it_imports_nothing_heavy() -> None:
    import subprocess

    heavy = "('pydantic', 'starlette', 'click', 'httpx')"
    asked = f"import sys; from volundr.broker.demo import program; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", asked], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == "[]"
