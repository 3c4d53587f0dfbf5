"""What every GitWorkflowProvider must do."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from volundr.domain.errors import Conflict, NotFound
from volundr.domain.paging import PageRequest
from volundr.domain.pull_requests import GitWorkflowProvider, NewPullRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A provider and a repository of its with the branches `main`, `done` and `clash`; the last cannot be merged."""

    provider: GitWorkflowProvider
    repo: str

    def new(self, branch: str) -> NewPullRequest:
        return NewPullRequest(repo=self.repo, source_branch=branch, target_branch="main", title=branch, description="why")


class GitWorkflowContract(ABC):
    @abstractmethod
    def opened(self, folder: Path) -> AbstractAsyncContextManager[Host]: ...

    def test_a_pull_request_is_made_once_and_found(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as host:
                assert host.provider.supports(host.repo)
                made = await host.provider.create(host.new("done"))
                assert (made.state, made.source_branch, made.target_branch) == ("open", "done", "main")
                assert (await host.provider.create(host.new("done"))).number == made.number
                assert (await host.provider.get(host.repo, made.number)).title == "done"
                listed = await host.provider.list(host.repo, "open", PageRequest(limit=10))
                assert [one.number for one in listed.items] == [made.number]
                with pytest.raises(NotFound):
                    await host.provider.get(host.repo, 999_999)

        asyncio.run(main())

    def test_a_merged_one_is_merged(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as host:
                made = await host.provider.create(host.new("done"))
                assert (await host.provider.merge(host.repo, made.number, "squash")).state == "merged"
                assert not (await host.provider.list(host.repo, "open", PageRequest())).items
                assert [one.number for one in (await host.provider.list(host.repo, "merged", PageRequest())).items] == [
                    made.number
                ]

        asyncio.run(main())

    def test_one_that_clashes_says_why(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as host:
                made = await host.provider.create(host.new("clash"))
                with pytest.raises(Conflict):
                    await host.provider.merge(host.repo, made.number, "merge")

        asyncio.run(main())

    def test_checks_have_names(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as host:
                made = await host.provider.create(host.new("done"))
                assert all(check.name for check in await host.provider.checks(host.repo, made.number))

        asyncio.run(main())
