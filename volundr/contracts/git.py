"""What every GitProvider must do."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from volundr.domain.errors import Invalid, Unavailable
from volundr.domain.git import GitProvider
from volundr.domain.paging import PageRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A provider, and the URL of a repository with the branches `main` (default), `a` and `b`; `absent` has none."""

    provider: GitProvider
    url: str
    absent: str


class GitProviderContract(ABC):
    @abstractmethod
    def opened(self, folder: Path) -> AbstractAsyncContextManager[Host]: ...

    def test_a_repository_is_found_with_its_branches(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as host:
                assert host.provider.supports(host.url)
                found = await host.provider.validate(host.url)
                assert (found.provider, found.default_branch, found.url) == (host.provider.name, "main", host.url)
                branches = await host.provider.branches(host.url, 10)
                assert [(branch.name, branch.default) for branch in branches] == [("main", True), ("a", False), ("b", False)]
                assert all(len(branch.commit) == 40 for branch in branches)
                assert [branch.name for branch in await host.provider.branches(host.url, 2)] == ["main", "a"]

        asyncio.run(main())

    def test_what_is_not_there_or_no_repository_is_refused(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as host:
                for url in (host.absent, "--upload-pack=touch /tmp/x", "ext::sh -c id", "https://a:b@host/x"):
                    with pytest.raises((Invalid, Unavailable)):
                        await host.provider.branches(url, 10)

        asyncio.run(main())

    def test_a_list_says_whose_it_is(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as host:
                page = await host.provider.repositories("", PageRequest(limit=5))
                assert all(one.provider == host.provider.name for one in page.items)

        asyncio.run(main())
