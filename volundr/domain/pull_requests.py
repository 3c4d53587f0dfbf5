"""Pull requests of what sessions made."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from volundr.domain.chronicles import ChronicleRepository
from volundr.domain.errors import Conflict, Invalid
from volundr.domain.identity import Principal
from volundr.domain.paging import Page, PageRequest
from volundr.domain.sessions.model import GitSource, Session

type State = Literal["open", "merged", "closed"]
type Method = Literal["merge", "squash", "rebase"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """As its host has it."""

    number: int
    title: str
    url: str
    repo: str
    provider: str
    source_branch: str
    target_branch: str
    state: State
    description: str = ""
    review: Literal["approved", "changes_requested", "pending", "unknown"] = "unknown"
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One job of a host's CI for a commit."""

    name: str
    status: Literal["passing", "failing", "pending", "unknown"]
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPullRequest:
    repo: str
    source_branch: str
    target_branch: str
    title: str
    description: str


class GitWorkflowProvider(ABC):
    """Pull requests on one host. Raises Unavailable when it does not answer, Invalid or Conflict for what it refuses."""

    name: str

    @abstractmethod
    def supports(self, repo: str) -> bool:
        """Whether this host has the repository of this URL."""

    @abstractmethod
    async def create(self, new: NewPullRequest) -> PullRequest:
        """The branch is on the host already. Asked twice for the same branches, it gives the one that is open."""

    @abstractmethod
    async def get(self, repo: str, number: int) -> PullRequest:
        """Raises NotFound."""

    @abstractmethod
    async def list(self, repo: str, state: State, page: PageRequest) -> Page[PullRequest]: ...

    @abstractmethod
    async def merge(self, repo: str, number: int, method: Method) -> PullRequest:
        """Raises Conflict, with the host's reason, for one that cannot be merged."""

    @abstractmethod
    async def checks(self, repo: str, number: int) -> Sequence[Check]:
        """Of its newest commit."""


class WorkflowHosts(ABC):
    """Whose account makes pull requests where."""

    @abstractmethod
    async def workflows(self, principal: Principal) -> Sequence[GitWorkflowProvider]:
        """The accounts this person connected. Made for this call: they hold secrets."""


class BranchPublisher(ABC):
    """Brings a session's branch to its remote."""

    @abstractmethod
    async def publish(self, session: Session) -> str:
        """Push the workspace's branch, never by force; returns its name. Raises Conflict when there is nothing to push or
        the remote has other commits, Unavailable when the remote cannot be reached."""


class GitWorkflowService:
    """From a session's branch to a merged pull request."""

    def __init__(self, hosts: WorkflowHosts, publisher: BranchPublisher, chronicles: ChronicleRepository) -> None:
        self._hosts = hosts
        self._publisher = publisher
        self._chronicles = chronicles

    async def create(self, principal: Principal, session: Session, title: str, text: str, target: str) -> PullRequest:
        """Push the session's branch and ask for its merge. Empty `title` and `text` are taken from its chronicle."""
        if not isinstance(session.source, GitSource):
            raise Invalid("This session does not work on a clone, so there is no host to make a pull request on.")
        repo = session.source.url
        provider = await self._provider(principal, repo)
        branch = await self._publisher.publish(session)
        into = target or session.source.branch or "main"
        if branch == into:
            raise Conflict(
                f"The session works on {branch!r} itself.", hint="Let the agent make a branch, then ask for the pull request."
            )
        told = await self._told(session)
        new = NewPullRequest(
            repo=repo,
            source_branch=branch,
            target_branch=into,
            title=title or told.partition("\n")[0][:200] or f"{session.name}: changes",
            description=text or told,
        )
        return await provider.create(new)

    async def get(self, principal: Principal, repo: str, number: int) -> PullRequest:
        return await (await self._provider(principal, repo)).get(repo, number)

    async def list(self, principal: Principal, repo: str, state: State, page: PageRequest) -> Page[PullRequest]:
        return await (await self._provider(principal, repo)).list(repo, state, page)

    async def merge(self, principal: Principal, repo: str, number: int, method: Method) -> PullRequest:
        return await (await self._provider(principal, repo)).merge(repo, number, method)

    async def checks(self, principal: Principal, repo: str, number: int) -> Sequence[Check]:
        return await (await self._provider(principal, repo)).checks(repo, number)

    async def _told(self, session: Session) -> str:
        chronicle = await self._chronicles.get(session.id)
        return "" if chronicle is None else chronicle.summary

    async def _provider(self, principal: Principal, repo: str) -> GitWorkflowProvider:
        for provider in await self._hosts.workflows(principal):
            if provider.supports(repo):
                return provider
        raise Conflict(
            f"No git host is connected that has {repo}.", hint="Connect your account under Integrations, then try again."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is known of a change before it is merged. `coverage_delta` in percent points."""

    tests_pass: bool
    coverage_delta: float = 0.0
    lines_changed: int
    files_changed: int
    dependencies_changed: bool = False
    categories: Sequence[Literal["docs", "tests", "refactor", "feature", "fix", "security", "migration"]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """`score` from 0 to 1, `factors` what each part took away or left, `action` what is advised."""

    score: float
    factors: dict[str, float]
    action: Literal["merge", "review", "refuse"]
    reason: str


SAFE_CATEGORIES = frozenset({"docs", "tests"})
RISKY_CATEGORIES = frozenset({"security", "migration"})


def confidence(change: Change) -> Confidence:
    """How safe it is to merge this without a person looking: a rule of thumb, each factor between 0 and 1, multiplied.

    Failing tests settle it. Size counts from 50 lines or 5 files on and is halved at about 400 lines or 20 files.
    """
    factors = {
        "tests": 1.0 if change.tests_pass else 0.0,
        "coverage": min(1.0, max(0.3, 1.0 + change.coverage_delta / 20)),
        "lines": _shrinking(change.lines_changed, 50, 350),
        "files": _shrinking(change.files_changed, 5, 15),
        "dependencies": 0.7 if change.dependencies_changed else 1.0,
        "kind": _kind(frozenset(change.categories)),
    }
    score = 1.0
    for factor in factors.values():
        score *= factor
    worst = min(factors, key=lambda name: factors[name])
    if not change.tests_pass:
        return Confidence(score=0.0, factors=factors, action="refuse", reason="Its tests do not pass.")
    if score >= 0.8:
        return Confidence(score=round(score, 3), factors=factors, action="merge", reason="Small, tested and of a harmless kind.")
    reason = f"What speaks most against it: {worst}."
    action: Literal["review", "refuse"] = "review" if score >= 0.2 else "refuse"
    return Confidence(score=round(score, 3), factors=factors, action=action, reason=reason)


def _shrinking(amount: int, free: int, half: int) -> float:
    return 1.0 if amount <= free else half / (half + amount - free)


def _kind(categories: frozenset[str]) -> float:
    if categories & RISKY_CATEGORIES:
        return 0.5
    return 1.0 if not categories or categories <= SAFE_CATEGORIES else 0.95
