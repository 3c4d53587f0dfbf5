"""What every IssueTrackerProvider must do."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from volundr.domain.errors import Invalid, NotFound
from volundr.domain.paging import PageRequest
from volundr.domain.tracker import IssueTrackerProvider


class IssueTrackerContract(ABC):
    """`opened` has the issues WEB-1 (a tide table), WEB-2 (a harbor gate) and OPS-1 (a crane), all `Todo`.

    It knows `Todo` and `Done`.
    """

    @abstractmethod
    def opened(self, folder: Path) -> AbstractAsyncContextManager[IssueTrackerProvider]: ...

    def test_issues_are_found_by_words_and_by_project(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as tracker:
                assert await tracker.check()
                assert [one.key for one in (await tracker.search("tide", "", PageRequest())).items] == ["WEB-1"]
                web = (await tracker.search("", "WEB", PageRequest())).items
                assert {one.key for one in web} == {"WEB-1", "WEB-2"}
                assert {one.provider for one in web} == {tracker.name}

        asyncio.run(main())

    def test_pages_have_each_issue_once(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as tracker:
                seen: list[str] = []
                cursor: str | None = ""
                while cursor is not None:
                    page = await tracker.search("", "", PageRequest(cursor=cursor, limit=2))
                    seen += [one.key for one in page.items]
                    cursor = page.next
                assert sorted(seen) == ["OPS-1", "WEB-1", "WEB-2"]

        asyncio.run(main())

    def test_a_status_is_set_or_the_right_ones_are_named(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as tracker:
                assert (await tracker.set_status("WEB-2", "Done")).status == "Done"
                found = await tracker.get("WEB-2")
                assert found is not None
                assert found.status == "Done"
                with pytest.raises(Invalid) as refused:
                    await tracker.set_status("WEB-2", "Sunk")
                assert "Todo" in f"{refused.value} {refused.value.hint}"
                with pytest.raises(NotFound):
                    await tracker.set_status("WEB-99", "Done")
                assert await tracker.get("WEB-99") is None

        asyncio.run(main())
