"""Tasks that have to last."""

import asyncio

import pytest

from volundr import process
from volundr.process import Tasks, lasting


def test_work_is_begun_anew_after_a_fault_and_ends_when_it_is_done() -> None:
    async def main() -> None:
        begun = 0

        async def work() -> None:
            nonlocal begun
            begun += 1
            if begun < 3:
                raise ZeroDivisionError

        async with asyncio.timeout(10):
            await lasting("work", work, 0.01)
        assert begun == 3

    asyncio.run(main())


def test_a_task_that_missed_its_end_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TOLD_AGAIN_SECONDS", 0.05)

    async def main() -> None:
        tasks, missed = Tasks(), asyncio.Event()

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                missed.set()
            await asyncio.Event().wait()

        task = tasks.spawn(work(), name="work")
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await tasks.close()
        assert missed.is_set()
        assert task.cancelled()

    asyncio.run(main())


def test_who_cancels_it_ends_it() -> None:
    async def main() -> None:
        begun, tasks = asyncio.Event(), Tasks()

        async def work() -> None:
            begun.set()
            await asyncio.Event().wait()

        task = tasks.spawn(lasting("work", work, 0.01), name="work")
        await begun.wait()
        await tasks.close()
        assert task.cancelled()

    asyncio.run(main())
