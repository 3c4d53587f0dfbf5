"""A tracker and a git host in memory, as a plugin would bring them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from volundr.domain.errors import Conflict, Invalid, NotFound, Unavailable
from volundr.domain.integrations import Field, Integration, IntegrationDefinition, Kind, Opened, Tried
from volundr.domain.paging import Page, PageRequest
from volundr.domain.pull_requests import Check, GitWorkflowProvider, Method, NewPullRequest, PullRequest, State
from volundr.domain.tracker import Issue, IssueTrackerProvider

WORDS = ("Todo", "Done")


def issues() -> dict[str, Issue]:
    made = [("WEB-1", "A tide table"), ("WEB-2", "A harbor gate"), ("OPS-1", "A crane")]
    return {
        key: Issue(provider="table", key=key, title=title, status="Todo", project=key.partition("-")[0]) for key, title in made
    }


def cut[M](items: Sequence[M], page: PageRequest) -> Page[M]:
    begin = int(page.cursor or 0)
    end = begin + page.limit
    return Page(items=items[begin:end], next=str(end) if end < len(items) else None)


@dataclass
class TableTracker(IssueTrackerProvider):
    issues: dict[str, Issue]
    account: str = "ada"
    name: str = "table"

    async def check(self) -> str:
        if not self.account:
            raise Unavailable("The tracker does not know this key.")
        return self.account

    async def search(self, q: str, project: str, page: PageRequest) -> Page[Issue]:
        fits = [one for one in self.issues.values() if q.lower() in one.title.lower() and project in {"", one.project}]
        return cut(fits, page)

    async def get(self, key: str) -> Issue | None:
        return self.issues.get(key)

    async def set_status(self, key: str, status: str) -> Issue:
        if key not in self.issues:
            raise NotFound(f"There is no issue {key}.")
        if status not in WORDS:
            raise Invalid(f"The tracker has no status {status!r}.", hint=f"It has: {', '.join(WORDS)}.")
        self.issues[key] = replace(self.issues[key], status=status)
        return self.issues[key]


@dataclass
class TableHost(GitWorkflowProvider):
    """Repositories of `https://table.example/`. A branch called `clash` cannot be merged."""

    made: dict[int, PullRequest] = field(default_factory=dict)
    name: str = "table"

    def supports(self, repo: str) -> bool:
        return repo.startswith(("https://table.example/", "/"))

    async def create(self, new: NewPullRequest) -> PullRequest:
        for one in self.made.values():
            if (one.repo, one.source_branch, one.target_branch, one.state) == (
                new.repo,
                new.source_branch,
                new.target_branch,
                "open",
            ):
                return one
        number = len(self.made) + 1
        self.made[number] = PullRequest(
            number=number,
            title=new.title,
            url=f"{new.repo}/pulls/{number}",
            repo=new.repo,
            provider=self.name,
            source_branch=new.source_branch,
            target_branch=new.target_branch,
            state="open",
            description=new.description,
        )
        return self.made[number]

    async def get(self, repo: str, number: int) -> PullRequest:
        if number not in self.made:
            raise NotFound(f"{repo} has no pull request {number}.")
        return self.made[number]

    async def list(self, repo: str, state: State, page: PageRequest) -> Page[PullRequest]:
        return cut([one for one in self.made.values() if (one.repo, one.state) == (repo, state)], page)

    async def merge(self, repo: str, number: int, method: Method) -> PullRequest:
        one = await self.get(repo, number)
        if one.source_branch == "clash":
            raise Conflict("clash cannot be merged: gate.py has conflicts.")
        self.made[number] = replace(one, state="merged")
        return self.made[number]

    async def checks(self, repo: str, number: int) -> Sequence[Check]:
        await self.get(repo, number)
        return [Check(name="tests", status="passing"), Check(name="lint", status="pending")]


class TableIntegration(Integration):
    """Everything at once, for whoever has the key `open sesame`."""

    definition = IntegrationDefinition(
        slug="table",
        name="Table",
        description="A host and a tracker in memory.",
        kind=Kind.SOURCE_CONTROL,
        credential_type="api_key",
        fields=(
            Field(name="project", label="Project"),
            Field(name="base", label="Address", type="url", default="https://t.example"),
        ),
        env={"TABLE_KEY": "api_key"},
    )

    def __init__(self) -> None:
        self.host = TableHost()
        self.issues = issues()
        self.seen: list[Any] = []

    async def test(self, opened: Opened) -> Tried:
        account = await self.tracker(opened).check()
        return Tried(ok=True, asked=True, account=account)

    def workflow(self, opened: Opened) -> TableHost:
        return self.host

    def tracker(self, opened: Opened) -> TableTracker:
        return TableTracker(self.issues, account="ada" if opened.secret["api_key"] == "open sesame" else "")
