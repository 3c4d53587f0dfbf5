"""Search in the files of a root: by ripgrep where it is installed, else by git, else by ourselves."""

import asyncio
import os
import re
import shutil
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from volundr.broker.files.matches import COLOUR, Match, Matches, marked
from volundr.broker.files.names import PASSED_OVER, best, included, walk, walk_names
from volundr.broker.files.roots import shown
from volundr.broker.programs import Ended, Program, read
from volundr.broker.repository import Repository, open_repository, plain_git
from volundr.domain.errors import Invalid, Unavailable

SECONDS = 10.0
LARGEST_FILE = "50M"
_LARGEST_READ = 2 * 1024 * 1024
_PARTS = ("filename", "linenumber", "separator", "selected", "context", "function", "column")
_NO_PERL = re.compile(r"not compiled with|USE_LIBPCRE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`include`: patterns of names or paths, between commas."""

    text: str
    regex: bool = False
    case: bool = False
    include: str = ""
    limit: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """`truncated`: there is more, or time was up."""

    items: Sequence[Match]
    truncated: bool


async def search_names(root: Path, env: Mapping[str, str], query: Wanted) -> SearchResult:
    """Files by their path: all words of the query, `*` and `?` as usual."""
    _check(query)
    if query.regex:
        raise Invalid("Names are found by words and by * and ?, not by regular expressions.")
    repository = await _repository(root, env)
    if repository is None:
        names, more = await asyncio.to_thread(walk_names, root, SECONDS)
    else:
        asked = ("-z", "-t", "--cached", "--others", "--deleted", "--exclude-standard")
        printed = await repository.git("ls-files", *asked, "--", ".")
        gone = {field for field in printed.fields if field.startswith("R ")}
        names = list({field[2:]: None for field in printed.fields if f"R {field[2:]}" not in gone})
        more = printed.cut
    wanted = included(query.include)
    items, cut = await asyncio.to_thread(
        lambda: best([name for name in names if wanted(name)], query.text, case=query.case, most=query.limit)
    )
    return SearchResult(items=items, truncated=more or cut)


async def search_contents(root: Path, env: Mapping[str, str], query: Wanted) -> SearchResult:
    """Lines of text files. Raises Invalid for an expression that the program does not understand."""
    _check(query)
    matches = Matches(query.limit, included(query.include))
    if program := await asyncio.to_thread(shutil.which, "rg", path=env.get("PATH", "")):
        ended = await read(_ripgrep(program, root, env, query), matches.take, SECONDS)
        return _result(matches, ended, failed=ended.code == 2 and "regex parse error" in ended.said)
    if await asyncio.to_thread(shutil.which, "git", path=env.get("PATH", "")):
        repository = await open_repository(root, env)
        ended = await read(_git_grep(repository, root, env, query, "-P"), matches.take, SECONDS)
        if query.regex and ended.code == 128 and _NO_PERL.search(ended.said):
            ended = await read(_git_grep(repository, root, env, query, "-E"), matches.take, SECONDS)
        return _result(matches, ended, failed=ended.code not in {0, 1, None})
    if query.regex:
        raise Unavailable(
            "Regular expressions need ripgrep or git where this session runs.",
            hint="Install one of them, or search for plain text.",
        )
    return await asyncio.to_thread(_read_all, root, query)


def _check(query: Wanted) -> None:
    if not query.text.strip() or any(char in query.text for char in "\0\n\r"):
        raise Invalid("Search for one line of text.")


async def _repository(root: Path, env: Mapping[str, str]) -> Repository | None:
    found = await asyncio.to_thread(shutil.which, "git", path=env.get("PATH", ""))
    return await open_repository(root, env) if found else None


def _result(matches: Matches, ended: Ended, *, failed: bool) -> SearchResult:
    if failed and not matches.items:
        raise Invalid(f"This cannot be searched for: {ended.said[-500:]}")
    items = sorted(matches.items, key=lambda item: (item.path, item.line or 0))
    return SearchResult(items=items, truncated=matches.more or not ended.in_time)


def _ripgrep(program: str, root: Path, env: Mapping[str, str], query: Wanted) -> Program:
    colours = [f"--colors={part}:none" for part in ("match", "path", "line", "column")]
    colours.append(f"--colors=match:fg:{','.join(map(str, COLOUR))}")
    argv = [program, "--no-config", "--color=always", *colours, "--null", "--line-number", "--no-heading", "--no-column"]
    argv += ["--hidden", "--no-follow", "--threads=2", f"--max-filesize={LARGEST_FILE}", "--no-messages", "--glob=!.git"]
    argv += [] if query.case else ["--ignore-case"]
    argv += [] if query.regex else ["--fixed-strings"]
    return Program(argv=[*argv, "-e", query.text, "--", "."], folder=root, env=env)


def _git_grep(repository: Repository | None, root: Path, env: Mapping[str, str], query: Wanted, kind: str) -> Program:
    match = "#" + "".join(f"{part:02x}" for part in COLOUR)
    colours = {f"color.grep.{part}": "normal" for part in _PARTS} | {
        f"color.grep.{part}": match for part in ("match", "matchSelected", "matchContext")
    }
    settings = [word for name, value in colours.items() for word in ("-c", f"{name}={value}")]
    argv = [*settings, "-c", "grep.fullName=false", "grep", "-I", "-n", "-z", "--color=always", "--no-column"]
    argv += ["--threads=2", "--no-recurse-submodules", kind if query.regex else "-F"]
    argv += [] if query.case else ["-i"]
    argv.append("--no-index" if repository is None else "--untracked")
    paths = ["."]
    if repository is None:
        paths += [f":(exclude,glob)**/{name}/**" for name in sorted(PASSED_OVER)]
    argv += ["-e", query.text, "--", *paths]
    return plain_git(root, env, argv) if repository is None else repository.program(*argv, literal=False)


def _read_all(root: Path, query: Wanted) -> SearchResult:
    """Plain text only: an expression could keep this process busy for ever."""
    end = time.monotonic() + SECONDS
    text = re.compile(re.escape(query.text), 0 if query.case else re.IGNORECASE)
    wanted = included(query.include)
    items: list[Match] = []
    for path, name, folder in walk(root, end):
        if not wanted(shown(path)):
            continue
        for number, line in enumerate(_lines(name, folder), 1):
            ranges = [match.span() for match in text.finditer(line)]
            if ranges and len(items) >= query.limit:
                return SearchResult(items=items, truncated=True)
            if ranges:
                items.append(marked(shown(path), number, line, ranges))
    return SearchResult(items=items, truncated=time.monotonic() > end)


def _lines(name: str, folder: int) -> Sequence[str]:
    """Of a text file that is not too large; whatever else it is has none."""
    try:
        number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return ()
    with FileIO(number) as file:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST_READ:
            return ()
        data = file.read(_LARGEST_READ)
    return () if b"\0" in data[:8192] else [line.removesuffix("\r") for line in data.decode("utf-8", "replace").split("\n")]
