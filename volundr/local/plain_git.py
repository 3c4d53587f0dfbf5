"""What git itself knows of a repository, without any account on its host."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from volundr.domain.errors import Conflict, Invalid
from volundr.domain.git import Branch, GitProvider, RemoteRepository
from volundr.domain.paging import Page, PageRequest
from volundr.domain.pull_requests import BranchPublisher
from volundr.domain.sessions.model import Session
from volundr.local.git import REMOTE_SECONDS, Git, GitFailed, check_url, remote_error

PUSH_SECONDS = 120.0


class PlainGit(GitProvider):
    """Every URL that git on this machine can reach, with what it finds there: keys, credential helpers."""

    name = "git"

    def __init__(self, git: Git, *, local: bool = True) -> None:
        """`local`: also paths of this machine; not for a server, where they are not the person's own."""
        self._git = git
        self._local = local

    def supports(self, url: str) -> bool:
        return bool(url)

    async def validate(self, url: str) -> RemoteRepository:
        head, _ = await self._look(url)
        name = url.rstrip("/").removesuffix(".git").replace(":", "/").rsplit("/", 2)
        return RemoteRepository(provider=self.name, name="/".join(name[-2:]).strip("/"), url=url, default_branch=head)

    async def repositories(self, q: str, page: PageRequest) -> Page[RemoteRepository]:  # noqa: ARG002 - there is no list
        return Page(items=())

    async def branches(self, url: str, limit: int) -> Sequence[Branch]:
        head, found = await self._look(url)
        branches = [Branch(name=name, commit=commit, default=name == head) for name, commit in found.items()]
        return sorted(branches, key=lambda branch: (not branch.default, branch.name))[:limit]

    async def _look(self, url: str) -> tuple[str, dict[str, str]]:
        """The default branch, and the newest commit of each."""
        check_url(url)
        if not self._local and (url.startswith("/") or url.lower().startswith("file:")):
            raise Invalid("Only a remote repository can be looked at here, not a path of the server.")
        try:
            said = await self._git(
                "ls-remote",
                "--symref",
                "--",
                url,
                "HEAD",
                "refs/heads/*",
                env=await self._git.unattended(),
                cwd=Path("/"),
                deadline=REMOTE_SECONDS,
            )
        except GitFailed as failed:
            raise remote_error(url, failed) from failed
        head, branches = "", dict[str, str]()
        for line in said.splitlines():
            value, _, ref = line.partition("\t")
            if value.startswith("ref: refs/heads/") and ref == "HEAD":
                head = value.removeprefix("ref: refs/heads/")
            elif ref.startswith("refs/heads/"):
                branches[ref.removeprefix("refs/heads/")] = value
        return head, branches


class WorkspacePublisher(BranchPublisher):
    """Pushes from the workspace's folder, with the git of this machine."""

    def __init__(self, git: Git) -> None:
        self._git = git

    async def publish(self, session: Session) -> str:
        place = Path(session.workspace)
        if not session.workspace or not await asyncio.to_thread((place / ".git").exists):
            raise Conflict(f"Session {session.name!r} has no repository yet.", hint="Start it first.")
        branch = await self._git.line("symbolic-ref", "--short", "--quiet", "HEAD", cwd=place)
        if not branch:
            raise Conflict("The workspace is on no branch.", hint="Let the agent make one: git switch -c <name>")
        try:
            await self._git(
                "push",
                "--set-upstream",
                "origin",
                f"refs/heads/{branch}:refs/heads/{branch}",
                cwd=place,
                env=await self._git.unattended(),
                deadline=PUSH_SECONDS,
            )
        except GitFailed as failed:
            if "non-fast-forward" in str(failed) or "fetch first" in str(failed):
                raise Conflict(
                    f"The remote's {branch!r} has other commits.", hint="Let the agent fetch and merge or rebase, then try again."
                ) from failed
            raise remote_error(session.source.url if session.source.type == "git" else "origin", failed) from failed
        return branch
