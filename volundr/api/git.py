"""/git: repositories, branches, pull requests"""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field

from volundr.api.deps import service
from volundr.api.lists import Asked, PageOut
from volundr.api.reach import Sessions
from volundr.api.security import allowed, permit
from volundr.api.strict import Shown, Strict, Text
from volundr.domain.git import RepoService
from volundr.domain.identity import Principal
from volundr.domain.pull_requests import Change, GitWorkflowService, confidence
from volundr.domain.sessions.model import of_session

router = APIRouter(prefix="/api/v1/git", tags=["Git Workflow"])

Reader = Annotated[Principal, Depends(allowed("git.read"))]
Writer = Annotated[Principal, Depends(allowed("git.write"))]
Repos = Annotated[RepoService, Depends(service(RepoService))]
Workflow = Annotated[GitWorkflowService, Depends(service(GitWorkflowService))]
Url = Annotated[Text, Query(min_length=1, max_length=2000, examples=["https://host.example/owner/name.git"])]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


class RepositoryOut(Shown):
    provider: str
    name: str
    url: str
    default_branch: str
    description: str
    private: bool


class ProviderOut(Shown):
    """A provider that was asked; `problem` says why it has nothing to show."""

    name: str
    problem: str


class RepositoryPage(PageOut[RepositoryOut]):
    providers: list[ProviderOut]


class BranchOut(Shown):
    name: str
    commit: str
    default: bool


class BranchList(BaseModel):
    items: list[BranchOut]


class NewPullRequestIn(Strict):
    """From the branch of a session's workspace, which is pushed first."""

    session_id: UUID
    title: Text = Field(default="", max_length=200, description="Empty: from the session's chronicle.")
    description: Text = Field(default="", max_length=50_000)
    target_branch: Text = Field(default="", max_length=255, description="Empty: the branch the session began with.")


class MergeIn(Strict):
    method: Literal["merge", "squash", "rebase"] = "squash"


class PullRequestOut(Shown):
    number: int
    title: str
    url: str
    repo: str
    provider: str
    source_branch: str
    target_branch: str
    state: Literal["open", "merged", "closed"]
    description: str
    review: Literal["approved", "changes_requested", "pending", "unknown"]
    created_at: datetime | None
    updated_at: datetime | None


class PullRequestPage(PageOut[PullRequestOut]):
    pass


class CheckOut(Shown):
    name: str
    status: Literal["passing", "failing", "pending", "unknown"]
    url: str


class ChecksOut(BaseModel):
    """`status` is the worst of them; `unknown` without any."""

    status: Literal["passing", "failing", "pending", "unknown"]
    checks: list[CheckOut]


class ChangeIn(Strict):
    """What is known of a change before it is merged."""

    tests_pass: bool
    coverage_delta: float = Field(default=0.0, ge=-100, le=100, allow_inf_nan=False, description="In percent points.")
    lines_changed: int = Field(ge=0, le=10**9, examples=[42])
    files_changed: int = Field(ge=0, le=10**9, examples=[3])
    dependencies_changed: bool = False
    categories: list[Literal["docs", "tests", "refactor", "feature", "fix", "security", "migration"]] = Field(
        default_factory=list, max_length=20
    )


class ConfidenceOut(Shown):
    score: float
    factors: dict[str, float]
    action: Literal["merge", "review", "refuse"]
    reason: str


@router.get("/repositories")
async def list_repositories(
    who: Reader, repos: Repos, page: Asked, q: Annotated[Text, Query(max_length=200)] = ""
) -> RepositoryPage:
    """Over all hosts you are connected to, one after the other."""
    found = await repos.repositories(who, q, page)
    return RepositoryPage.model_validate(
        {"items": list(found.page.items), "next": found.page.next, "providers": list(found.states)}, from_attributes=True
    )


@router.get("/repository")
async def check_repository(who: Reader, repos: Repos, url: Url) -> RepositoryOut:
    """The repository of this URL, if it can be read from here."""
    return RepositoryOut.model_validate(await repos.validate(who, url))


@router.get("/branches")
async def list_branches(who: Reader, repos: Repos, url: Url, limit: Annotated[int, Query(ge=1, le=1000)] = 200) -> BranchList:
    """The default branch first, then by name."""
    return BranchList.model_validate({"items": list(await repos.branches(who, url, limit))}, from_attributes=True)


@router.post("/pull-requests", status_code=201)
async def create_pull_request(
    request: Request, who: Writer, sessions: Sessions, workflow: Workflow, new: NewPullRequestIn
) -> PullRequestOut:
    session = await sessions.get(new.session_id)
    await permit(request, "session.write", of_session(session))
    made = await workflow.create(who, session, new.title, new.description, new.target_branch)
    return PullRequestOut.model_validate(made)


@router.get("/pull-requests")
async def list_pull_requests(
    who: Reader, workflow: Workflow, repo: Url, page: Asked, state: Literal["open", "merged", "closed"] = "open"
) -> PullRequestPage:
    found = await workflow.list(who, repo, state, page)
    return PullRequestPage.model_validate({"items": list(found.items), "next": found.next}, from_attributes=True)


@router.get("/pull-requests/{number}")
async def get_pull_request(who: Reader, workflow: Workflow, number: Number, repo: Url) -> PullRequestOut:
    return PullRequestOut.model_validate(await workflow.get(who, repo, number))


@router.post("/pull-requests/{number}/merge")
async def merge_pull_request(who: Writer, workflow: Workflow, number: Number, repo: Url, how: MergeIn) -> PullRequestOut:
    return PullRequestOut.model_validate(await workflow.merge(who, repo, number, how.method))


@router.get("/pull-requests/{number}/checks")
async def pull_request_checks(who: Reader, workflow: Workflow, number: Number, repo: Url) -> ChecksOut:
    """What the host's CI says of its newest commit."""
    checks = await workflow.checks(who, repo, number)
    statuses = {check.status for check in checks}
    worst = next((one for one in ("failing", "pending", "unknown", "passing") if one in statuses), "unknown")
    return ChecksOut.model_validate({"status": worst, "checks": list(checks)}, from_attributes=True)


@router.post("/confidence")
async def merge_confidence(_: Reader, change: ChangeIn) -> ConfidenceOut:
    """How safe it is to merge this without a person looking, by a rule of thumb that says its parts."""
    return ConfidenceOut.model_validate(confidence(Change(**change.model_dump())))
