"""What every pod manager must do. A manager proves itself by subclassing PodManagerContract."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from volundr.domain.errors import VolundrError
from volundr.domain.sessions.ports import PodManager, PodStatus
from volundr.domain.sessions.spec import SessionSpec

READY_SECONDS = 20.0

type Memory = Mapping[str, Any]


class PodManagerContract(ABC):
    """`opened` gives a manager of one and the same place each time it is entered, as a forge does when it starts anew."""

    @abstractmethod
    def opened(self, place: Path) -> AbstractAsyncContextManager[PodManager]: ...

    @abstractmethod
    def spec(self, place: Path, session_id: UUID) -> SessionSpec:
        """A session that comes up: the demo agent in an empty folder."""

    @abstractmethod
    def broken_spec(self, place: Path, session_id: UUID) -> SessionSpec:
        """A session that cannot come up."""

    @abstractmethod
    async def kill(self, pods: PodManager, session_id: UUID, memory: Memory) -> None:
        """Make the pod die or restart without asking its manager."""

    def run(self, place: Path, story: Callable[[PodManager], Awaitable[None]]) -> None:
        async def main() -> None:
            async with self.opened(place) as pods:
                await story(pods)

        asyncio.run(main())

    def test_a_pod_starts_at_once_and_becomes_ready(self, tmp_path: Path) -> None:
        async def story(pods: PodManager) -> None:
            session = uuid4()
            memory = await pods.start(self.spec(tmp_path, session))
            assert json.loads(json.dumps(memory)) == memory
            assert (await ready(pods, session, memory)).error == ""
            await pods.discard(session, memory)

        self.run(tmp_path, story)

    def test_starting_twice_makes_one_pod(self, tmp_path: Path) -> None:
        async def story(pods: PodManager) -> None:
            session = uuid4()
            first = await pods.start(self.spec(tmp_path, session))
            await ready(pods, session, first)
            second = await pods.start(self.spec(tmp_path, session))
            assert (await ready(pods, session, second)).state == "ready"
            await pods.stop(session, second)
            assert (await pods.status(session, first)).state == "absent"
            await pods.discard(session, second)

        self.run(tmp_path, story)

    def test_a_stopped_pod_is_absent_and_can_be_stopped_again(self, tmp_path: Path) -> None:
        async def story(pods: PodManager) -> None:
            session = uuid4()
            memory = await pods.start(self.spec(tmp_path, session))
            await ready(pods, session, memory)
            for _ in range(2):
                await pods.stop(session, memory)
                assert (await pods.status(session, memory)).state == "absent"
            await pods.discard(session, memory)
            await pods.discard(session, memory)

        self.run(tmp_path, story)

    def test_a_stopped_pod_starts_again(self, tmp_path: Path) -> None:
        async def story(pods: PodManager) -> None:
            session = uuid4()
            memory = await pods.start(self.spec(tmp_path, session))
            await ready(pods, session, memory)
            await pods.stop(session, memory)
            again = await pods.start(self.spec(tmp_path, session))
            await ready(pods, session, again)
            await pods.discard(session, again)

        self.run(tmp_path, story)

    def test_a_pod_that_never_was_is_absent_and_every_verb_copes(self, tmp_path: Path) -> None:
        async def story(pods: PodManager) -> None:
            session = uuid4()
            assert (await pods.status(session, {})).state == "absent"
            assert list(await pods.logs(session, {}, 10)) == []
            await pods.stop(session, {})
            await pods.discard(session, {})

        self.run(tmp_path, story)

    def test_stopping_in_the_middle_of_a_start_ends_it(self, tmp_path: Path) -> None:
        async def story(pods: PodManager) -> None:
            session = uuid4()
            memory = await pods.start(self.spec(tmp_path, session))
            await pods.stop(session, memory)
            assert (await pods.status(session, memory)).state == "absent"
            await pods.discard(session, memory)

        self.run(tmp_path, story)

    def test_a_pod_that_cannot_come_up_says_why(self, tmp_path: Path) -> None:
        async def story(pods: PodManager) -> None:
            session = uuid4()
            try:
                memory = await pods.start(self.broken_spec(tmp_path, session))
                async with asyncio.timeout(READY_SECONDS):
                    while (found := await pods.status(session, memory)).state == "starting":
                        await asyncio.sleep(0.02)
                why = found.error if found.state == "failed" else ""
            except VolundrError as error:  # a manager may notice at once
                memory, why = {}, str(error)
            assert why
            await pods.discard(session, memory)

        self.run(tmp_path, story)

    def test_another_manager_of_the_same_place_finds_the_pod(self, tmp_path: Path) -> None:
        session = uuid4()

        async def main() -> None:
            async with self.opened(tmp_path) as first:
                memory = dict(await first.start(self.spec(tmp_path, session)))
                await ready(first, session, memory)
                async with self.opened(tmp_path) as second:
                    assert (await second.status(session, memory)).state == "ready"
                    await second.stop(session, memory)
                assert (await first.status(session, memory)).state == "absent"
                await first.discard(session, memory)

        asyncio.run(main())

    def test_a_pod_that_dies_is_told_of(self, tmp_path: Path) -> None:
        async def story(pods: PodManager) -> None:
            session = uuid4()
            memory = await pods.start(self.spec(tmp_path, session))
            await ready(pods, session, memory)
            watching, told = aiter(pods.changes()), asyncio.Queue[UUID]()

            async def listen() -> None:
                async for changed in watching:
                    told.put_nowait(changed)

            async with asyncio.timeout(READY_SECONDS), asyncio.TaskGroup() as group:
                listening = group.create_task(listen(), name="listen")
                await told.get()  # a new watcher is told of what there is
                await self.kill(pods, session, memory)
                assert await told.get() == session
                listening.cancel()
            await pods.discard(session, memory)

        self.run(tmp_path, story)


async def ready(pods: PodManager, session: UUID, memory: Memory) -> PodStatus:
    """The status once the pod is ready. Fails with the cause when it failed."""
    async with asyncio.timeout(READY_SECONDS):
        while (found := await pods.status(session, memory)).state == "starting":
            await asyncio.sleep(0.01)
    assert found.state == "ready", found
    return found
