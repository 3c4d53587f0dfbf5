"""Git hosts and trackers: the machine's own git, and what plugins bring, each by the contract of its port."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests import hosts
from volundr.contracts import git as git_contract
from volundr.contracts import pull_requests as workflow_contract
from volundr.contracts.tracker import IssueTrackerContract
from volundr.domain.errors import Conflict, Invalid
from volundr.domain.git import Branch, GitHosts, GitProvider, RemoteRepository, RepoService
from volundr.domain.identity import Principal
from volundr.domain.paging import Page, PageRequest
from volundr.domain.pull_requests import Change, confidence
from volundr.domain.sessions.model import GitSource, Session
from volundr.domain.tracker import IssueTrackerProvider
from volundr.local.git import Git
from volundr.local.plain_git import PlainGit, WorkspacePublisher

ADA = Principal(user_id="ada", tenant_id="default")


def git(folder: Path, *argv: str) -> str:
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *who, *argv], cwd=folder, check=True, capture_output=True, text=True, timeout=30)
    return done.stdout.strip()


def bare(folder: Path) -> Path:
    """A bare repository with the branches main, a and b, and a clone of it beside."""
    remote, clone = folder / "harbor.git", folder / "clone"
    git(folder, "init", "--bare", "-q", "-b", "main", str(remote))
    git(folder, "clone", "-q", str(remote), str(clone))
    git(clone, "commit", "-q", "--allow-empty", "-m", "one")
    for branch in ("HEAD:main", "HEAD:a", "HEAD:b"):
        git(clone, "push", "-q", "origin", branch)
    return remote


class TestPlainGit(git_contract.GitProviderContract):
    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[git_contract.Host]:
        remote = await asyncio.to_thread(bare, folder)
        yield git_contract.Host(provider=PlainGit(Git()), url=f"file://{remote}", absent=f"file://{folder}/nothing.git")

    def test_a_server_does_not_look_at_its_own_paths(self, tmp_path: Path) -> None:
        remote = bare(tmp_path)
        for url in (f"file://{remote}", f"FILE://{remote}", str(remote)):
            with pytest.raises(Invalid, match="path of the server"):
                asyncio.run(PlainGit(Git(), local=False).branches(url, 5))


class TestTableHost(workflow_contract.GitWorkflowContract):
    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[workflow_contract.Host]:
        yield workflow_contract.Host(provider=hosts.TableHost(), repo="https://table.example/harbor")


class TestTableTracker(IssueTrackerContract):
    @asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[IssueTrackerProvider]:
        yield hosts.TableTracker(hosts.issues())


# Publishing


def at_work(folder: Path, remote: Path) -> Session:
    return Session(name="work", agent="demo", source=GitSource(url=str(remote)), workspace=str(folder / "clone"))


def test_a_branch_is_pushed_and_never_by_force(tmp_path: Path) -> None:
    remote, clone = bare(tmp_path), tmp_path / "clone"
    publisher, session = WorkspacePublisher(Git()), at_work(tmp_path, remote)
    git(clone, "switch", "-q", "-c", "feature")
    git(clone, "commit", "-q", "--allow-empty", "-m", "two")
    assert asyncio.run(publisher.publish(session)) == "feature"
    assert git(remote, "rev-parse", "feature") == git(clone, "rev-parse", "HEAD")
    git(clone, "commit", "-q", "--amend", "--allow-empty", "-m", "another two")
    with pytest.raises(Conflict, match="other commits"):
        asyncio.run(publisher.publish(session))
    assert git(remote, "log", "-1", "--format=%s", "feature") == "two"


def test_what_is_on_no_branch_is_not_pushed(tmp_path: Path) -> None:
    remote, clone = bare(tmp_path), tmp_path / "clone"
    git(clone, "switch", "-q", "--detach")
    with pytest.raises(Conflict, match="no branch"):
        asyncio.run(WorkspacePublisher(Git()).publish(at_work(tmp_path, remote)))
    with pytest.raises(Conflict, match="no repository"):
        asyncio.run(WorkspacePublisher(Git()).publish(Session(name="new", agent="demo")))


# Repositories over several hosts


class Shelf(GitProvider):
    def __init__(self, name: str, count: int, problem: str = "") -> None:
        self.name = name
        self._all = [RemoteRepository(provider=name, name=f"{name}/{n}", url=f"https://{name}/{n}") for n in range(count)]
        self._problem = problem

    def supports(self, url: str) -> bool:
        return url.startswith(f"https://{self.name}/")

    async def validate(self, url: str) -> RemoteRepository:
        return self._all[0]

    async def repositories(self, q: str, page: PageRequest) -> Page[RemoteRepository]:
        if self._problem:
            raise Invalid(self._problem)
        return hosts.cut(self._all, page)

    async def branches(self, url: str, limit: int) -> list[Branch]:
        return []


class Shelves(GitHosts):
    def __init__(self, *shelves: Shelf) -> None:
        self._shelves = shelves

    async def providers(self, principal: Principal) -> tuple[Shelf, ...]:
        return self._shelves


def test_repositories_of_all_hosts_come_once_each_and_a_broken_host_hides_none() -> None:
    service = RepoService(Shelves(Shelf("one", 5), Shelf("sick", 3, "It is down."), Shelf("none", 0), Shelf("two", 3)))

    async def main() -> None:
        seen: list[str] = []
        problems: dict[str, str] = {}
        cursor: str | None = ""
        while cursor is not None:
            found = await service.repositories(ADA, "", PageRequest(cursor=cursor, limit=2))
            seen += [one.name for one in found.page.items]
            problems |= {state.name: state.problem for state in found.states}
            cursor = found.page.next
        assert seen == [f"one/{n}" for n in range(5)] + [f"two/{n}" for n in range(3)]
        assert problems == {"one": "", "sick": "It is down.", "none": "", "two": ""}
        with pytest.raises(Invalid, match="cursor"):
            await service.repositories(ADA, "", PageRequest(cursor="three:1"))
        with pytest.raises(Invalid, match="No git provider"):
            await service.branches(ADA, "https://elsewhere/x", 5)

    asyncio.run(main())


# Merge confidence


def test_failing_tests_settle_it() -> None:
    found = confidence(Change(tests_pass=False, lines_changed=1, files_changed=1))
    assert (found.score, found.action) == (0.0, "refuse")


def test_a_small_tested_change_may_be_merged() -> None:
    found = confidence(Change(tests_pass=True, lines_changed=20, files_changed=2, categories=("fix",)))
    assert (found.score, found.action) == (0.95, "merge")


def test_size_and_risk_take_confidence_away() -> None:
    small = Change(tests_pass=True, lines_changed=50, files_changed=5)
    large = Change(tests_pass=True, lines_changed=400, files_changed=20)
    risky = Change(tests_pass=True, lines_changed=50, files_changed=5, categories=("migration",), dependencies_changed=True)
    assert confidence(small).score == 1.0
    assert confidence(large).score == 0.25
    assert (confidence(risky).score, confidence(risky).action) == (0.35, "review")
    assert "kind" in confidence(risky).reason
