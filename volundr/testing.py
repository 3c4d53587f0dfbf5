"""Contract tests of ports: an implementation proves itself by subclassing the one of its port.

Plain pytest classes; each test runs an event loop of its own. What is needed is made by the subclass's `opened`.
"""

import asyncio
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from volundr.broker.events import (
    AgentEvent,
    Answer,
    Asked,
    Break,
    Exited,
    Ready,
    Say,
    Taken,
    TextDone,
    ToolEnded,
    TurnEnded,
)
from volundr.broker.transports.stream_json import StreamJsonDialect
from volundr.broker.transports.transport import CLITransport, Launch
from volundr.domain.errors import Unavailable
from volundr.process import own_command

SECONDS = 20.0


class Listener:
    """Hears a transport from the start, and waits for what a test wants to see."""

    def __init__(self, transport: CLITransport) -> None:
        self.transport = transport
        self.events: list[AgentEvent] = []
        self.lines: list[int] = []
        self._more = asyncio.Event()

    async def listen(self) -> None:
        async for batch in self.transport.hear():
            self.events += [heard.event for heard in batch]
            self.lines += [heard.line for heard in batch]
            self._more.set()

    async def until[E](self, kind: type[E], after: int = 0) -> E:
        """The first event of this kind behind the first `after` events."""
        async with asyncio.timeout(SECONDS):
            while True:
                for event in self.events[after:]:
                    if isinstance(event, kind):
                        return event
                self._more.clear()
                await self._more.wait()

    async def such[E](self, kind: type[E], fits: Callable[[E], bool], after: int = 0) -> E:
        """The first event of this kind behind the first `after` events that fits."""
        async with asyncio.timeout(SECONDS):
            while True:
                for event in self.events[after:]:
                    if isinstance(event, kind) and fits(event):
                        return event
                self._more.clear()
                await self._more.wait()

    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, TextDone) and event.kind == "text")


class TransportContract(ABC):
    """What every CLITransport must do, shown with the demo agent in a real process."""

    @abstractmethod
    def opened(self, folder: Path) -> AbstractAsyncContextManager[CLITransport]:
        """A transport ready to start runs."""

    def launch(self, folder: Path) -> Launch:
        work = folder / "work"
        work.mkdir(exist_ok=True)
        env = {"PATH": os.defpath, "HOME": str(folder)}
        return Launch(argv=[*own_command(), "demo-agent", "--state", str(folder / "state")], env=env, cwd=work)

    def play(self, folder: Path, scenario: Callable[[Listener], Coroutine[None, None, None]]) -> Listener:
        """Run a scenario against a started transport, then stop it."""

        async def main() -> Listener:
            async with self.opened(folder) as transport, asyncio.TaskGroup() as tasks:
                listener = Listener(transport)
                tasks.create_task(listener.listen(), name="listen")
                try:
                    async with asyncio.timeout(SECONDS):
                        await transport.start("run-1", self.launch(folder), StreamJsonDialect())
                        await scenario(listener)
                finally:
                    await transport.stop(2)
            return listener

        return asyncio.run(main())

    def test_a_turn_is_heard_in_order(self, tmp_path: Path) -> None:
        async def scenario(heard: Listener) -> None:
            await heard.until(Ready)
            await heard.transport.tell(1, Say(messages=[("m1", "{{text: one two}}"), ("m2", "{{text: three}}")]))
            assert (await heard.until(TurnEnded)).status == "ok"

        heard = self.play(tmp_path, scenario)
        assert heard.text() == "one twothree"
        assert [event.id for event in heard.events if isinstance(event, Taken)] == ["m1", "m2"], heard.events
        assert heard.lines == sorted(heard.lines)
        assert isinstance(heard.events[-1], Exited)
        assert heard.events[-1].wanted

    def test_a_command_given_twice_reaches_the_agent_once(self, tmp_path: Path) -> None:
        async def scenario(heard: Listener) -> None:
            for _ in range(2):
                await heard.transport.tell(1, Say(messages=[("m1", "{{text: only once}}")]))
            await heard.until(TurnEnded)
            seen = len(heard.events)
            await heard.transport.tell(2, Say(messages=[("m2", "{{text:  and more}}")]))
            await heard.until(TurnEnded, seen)

        assert self.play(tmp_path, scenario).text() == "only onceand more"

    def test_a_permission_is_asked_and_the_answer_arrives(self, tmp_path: Path) -> None:
        async def scenario(heard: Listener) -> None:
            await heard.transport.tell(1, Say(messages=[("m1", "{{write: a.txt :: hello}}")]))
            asked = await heard.until(Asked)
            answer = Answer(id=asked.id, decision="allow", scope="once", asked_input=asked.input, native=asked.native)
            await heard.transport.tell(2, answer)
            assert (await heard.until(ToolEnded)).ok
            await heard.until(TurnEnded)

        self.play(tmp_path, scenario)
        assert (tmp_path / "work" / "a.txt").read_text() == "hello\n"

    def test_a_turn_can_be_interrupted(self, tmp_path: Path) -> None:
        async def scenario(heard: Listener) -> None:
            await heard.transport.tell(1, Say(messages=[("m1", "{{hang: 60}}")]))
            await heard.until(Taken)
            await heard.transport.tell(2, Break(number=2))
            assert (await heard.until(TurnEnded)).status == "interrupted"

        self.play(tmp_path, scenario)

    def test_an_agent_that_dies_says_how(self, tmp_path: Path) -> None:
        async def scenario(heard: Listener) -> None:
            await heard.transport.tell(1, Say(messages=[("m1", "{{crash: 3}}")]))
            last = await heard.until(Exited)
            assert (last.code, last.wanted) == (3, False)
            assert "crashes" in last.error
            with pytest.raises(Unavailable):
                await heard.transport.tell(2, Say(messages=[("m2", "hello")]))

        self.play(tmp_path, scenario)

    def test_a_dead_agent_can_be_started_again(self, tmp_path: Path) -> None:
        async def scenario(heard: Listener) -> None:
            await heard.transport.tell(1, Say(messages=[("m1", "{{crash: 1}}")]))
            await heard.until(Exited)
            await heard.transport.start("run-2", self.launch(tmp_path), StreamJsonDialect())
            await heard.transport.tell(1, Say(messages=[("m1", "{{text: back}}")]))
            await heard.until(TurnEnded)

        assert self.play(tmp_path, scenario).text() == "back"

    def test_one_line_of_20_mb_and_garbage_pass(self, tmp_path: Path) -> None:
        printed = "import os, json; os.write(1, b'\\xff\\xfe garbage\\n'); block = {'type': 'text', 'text': 'x' * 20_000_000}; "
        printed += (
            "print(json.dumps({'type': 'assistant', 'message': {'id': 'm', 'content': [block]}})); print('no newline', end='')"
        )

        async def main() -> Listener:
            async with self.opened(tmp_path) as transport, asyncio.TaskGroup() as tasks:
                heard = Listener(transport)
                tasks.create_task(heard.listen(), name="listen")
                launch = Launch(argv=[sys.executable, "-c", printed], env={}, cwd=tmp_path)
                await transport.start("run-1", launch, StreamJsonDialect())
                await heard.until(Exited)
                await transport.stop(1)
                return heard

        heard = asyncio.run(main())
        assert [type(event).__name__ for event in heard.events] == ["Remarked", "TextDone", "Remarked", "Exited"]
        assert len(heard.text()) == 20_000_000

    @pytest.mark.parametrize(
        ("argv", "cwd", "cause"),
        [
            (["/nowhere/agent"], ".", "No such file"),
            (["no-such-agent"], ".", "not on the PATH"),
            (["/etc/passwd"], ".", "Permission denied"),
            ([sys.executable], "missing", "cannot be entered: No such file"),
        ],
    )
    def test_a_start_that_fails_says_why(self, tmp_path: Path, argv: list[str], cwd: str, cause: str) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as transport:
                with pytest.raises(Unavailable, match=cause):
                    await transport.start(
                        "run-1", Launch(argv=argv, env={"PATH": "/bin"}, cwd=tmp_path / cwd), StreamJsonDialect()
                    )
                await transport.stop(1)

        asyncio.run(main())

    def test_a_deaf_agent_is_stopped_within_the_grace_and_a_second(self, tmp_path: Path) -> None:
        deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(99)"

        async def main() -> float:
            async with self.opened(tmp_path) as transport, asyncio.TaskGroup() as tasks:
                heard = Listener(transport)
                tasks.create_task(heard.listen(), name="listen")
                await transport.start(
                    "run-1", Launch(argv=[sys.executable, "-c", deaf], env={}, cwd=tmp_path), StreamJsonDialect()
                )
                loop = asyncio.get_running_loop()
                begun = loop.time()
                await transport.stop(0.3)
                return loop.time() - begun

        assert asyncio.run(main()) < 1.3
