"""What git knows of a workspace beside its changes: its history, where it stands, and the names one can compare with."""

from collections.abc import Sequence
from dataclasses import dataclass

from volundr.broker.files.roots import components
from volundr.broker.repository import Repository
from volundr.domain.errors import Invalid

LONGEST_BODY = 4000
MOST_REFS = 2000
_FORMAT = "--format=%H%x00%h%x00%an%x00%aI%x00%s%x00%b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    commit: str
    short: str
    author: str
    at: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commits:
    """Newest first. `next` goes on below the same newest commit, also when there are newer ones by then."""

    items: Sequence[Commit] = ()
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GitState:
    """`branch` is null on no branch, `commit` before the first one, `ahead` and `behind` without an upstream."""

    repository: bool = False
    branch: str | None = None
    commit: str | None = None
    upstream: str | None = None
    ahead: int | None = None
    behind: int | None = None
    dirty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refs:
    """Branches here, then those of remotes, each by their newest commit; as many as people can look through."""

    branches: Sequence[str] = ()
    tags: Sequence[str] = ()
    default: str | None = None
    truncated: bool = False


async def commits(repository: Repository | None, path: str, cursor: str, limit: int) -> Commits:
    """The history of the workspace, or of one file or folder in it."""
    components(path)
    if repository is None:
        return Commits()
    start, skip = _read_cursor(cursor) if cursor else (await repository.find("HEAD"), 0)
    if not start:
        return Commits()
    count = ("-z", f"--max-count={limit + 1}", f"--skip={skip}", "--no-notes", "--no-mailmap", "--encoding=UTF-8")
    where = [path] if path else ["."] if repository.prefix else []
    printed = await repository.git("log", _FORMAT, *count, start, "--", *where)
    fields = [*printed.fields, printed.data.rpartition(b"\0")[2].decode("utf-8", "replace")]
    rows = [fields[at : at + 6] for at in range(0, len(fields) - 5, 6)]
    items = [
        Commit(commit=row[0], short=row[1], author=row[2], at=row[3], subject=row[4], body=row[5].strip()[:LONGEST_BODY])
        for row in rows[:limit]
    ]
    return Commits(items=items, next=f"{start}.{skip + limit}" if len(rows) > limit else None)


def _read_cursor(cursor: str) -> tuple[str, int]:
    start, _, skip = cursor.partition(".")
    if len(start) in {40, 64} and set(start) <= set("0123456789abcdef") and skip.isascii() and skip.isdecimal() and len(skip) < 9:
        return start, int(skip)
    raise Invalid("This cursor is not one of ours.", hint="List the history from its beginning.")


async def state(repository: Repository | None) -> GitState:
    """Where the workspace stands."""
    if repository is None:
        return GitState()
    options = ("--porcelain=v2", "--branch", "-z", "--untracked-files=normal", "--ignore-submodules=dirty", "--no-renames")
    fields = (await repository.git("status", *options, "--", ".")).fields
    told = {name: value for field in fields if field.startswith("# ") for name, _, value in [field[2:].partition(" ")]}
    ahead, _, behind = told.get("branch.ab", "").partition(" ")
    branch, commit = told.get("branch.head", ""), told.get("branch.oid", "")
    return GitState(
        repository=True,
        branch=None if branch == "(detached)" else branch,
        commit=None if commit == "(initial)" else commit,
        upstream=told.get("branch.upstream"),
        ahead=int(ahead) if ahead else None,
        behind=-int(behind) if behind else None,
        dirty=len(fields) > sum(field.startswith("# ") for field in fields),
    )


async def refs(repository: Repository | None) -> Refs:
    """What the workspace can be compared with."""
    if repository is None:
        return Refs()
    one = f"--count={MOST_REFS + 1}"
    order, name = "--sort=-committerdate", "--format=%(refname)%00%(symref)"
    found: list[list[str]] = []
    for where in ("refs/heads/", "refs/remotes/", "refs/tags/"):
        sort = "--sort=-creatordate" if where == "refs/tags/" else order
        printed = await repository.git("for-each-ref", one, sort, name, where)
        rows = (row.partition("\0") for row in printed.line.split("\n") if row)
        found.append([ref.removeprefix(where) for ref, _, link in rows if not link])
    default = await repository.default_branch()
    return Refs(
        branches=[*found[0], *found[1]][:MOST_REFS],
        tags=found[2][:MOST_REFS],
        default=default.removeprefix("refs/heads/").removeprefix("refs/remotes/") or None,
        truncated=len(found[0]) + len(found[1]) > MOST_REFS or len(found[2]) > MOST_REFS,
    )
