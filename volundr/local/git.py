"""Runs git: never asks anybody anything, never takes an argument for an option, and always ends."""

import asyncio
import os
import re
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from volundr.domain.errors import Invalid, Unavailable, VolundrError

DEADLINE_SECONDS = 60.0
REMOTE_SECONDS = 25.0
QUIET_SECONDS = 90.0
"""How long a clone may show no progress before it is given up; one that moves may take as long as it needs."""

_QUIET: Mapping[str, str] = {
    "LC_ALL": "C.UTF-8",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_OPTIONAL_LOCKS": "0",
}
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE")
"""Variables that git gives its hooks: a forge started from one must not work on that repository."""
_PROGRESS = re.compile(
    r"(remote: )?(Enumerating|Counting|Compressing|Receiving|Resolving|Updating|Filtering|Checking|Total)\b.*|Cloning into .*"
)
_SCHEMES = frozenset({"http", "https", "ssh", "git", "file"})
_SCP = re.compile(r"(?:[^\s@:/]+@)?[^\s@:/\[\]-][^\s@:/\[\]]*:[^\s:].*")
_TOKEN = re.compile(r"(gh[pousr]_|github_pat_|glpat-|x-token-).*")


class GitFailed(Exception):
    """git said no. The text is what it said, without the lines that only show progress."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said or f"git ended with code {code}")
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """git on this machine. `env` is the environment it inherits."""

    program: str = "git"
    env: Mapping[str, str] | None = None

    async def __call__(
        self,
        *argv: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        deadline: float = DEADLINE_SECONDS,
        quiet: float | None = None,
    ) -> str:
        """What git printed. Raises GitFailed, or Unavailable when git is missing or not done in time.

        `quiet` replaces the deadline by a limit for silence: any output on stderr counts as a sign of life.
        """
        process = await self._start(argv, cwd, env or {})
        assert process.stdout is not None
        assert process.stderr is not None
        done = False
        try:
            async with asyncio.timeout(None if quiet else deadline) as limit:
                out, said = await asyncio.gather(process.stdout.read(), _listen(process.stderr, limit, quiet))
                code = await process.wait()
                done = True
        except TimeoutError as error:
            raise Unavailable(
                f"git {_verb(argv)} did not end in time ({quiet or deadline:.0f} s) and was stopped.",
                hint="Try the same in a terminal; a slow network or a lock in the repository is the usual cause.",
            ) from error
        finally:
            if not done:
                await _end(process)
        if code:
            raise GitFailed(code, said)
        return out.decode(errors="replace")

    async def _start(self, argv: Sequence[str], cwd: Path | None, extra: Mapping[str, str]) -> asyncio.subprocess.Process:
        inherited = dict(os.environ if self.env is None else self.env)
        for name in _FOREIGN:
            inherited.pop(name, None)
        pipe = asyncio.subprocess.PIPE
        options = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "protocol.ext.allow=never")
        try:
            return await asyncio.create_subprocess_exec(
                self.program,
                *options,
                *argv,
                cwd=cwd,
                env={**inherited, **_QUIET, **extra},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            if cwd is not None and error.filename == str(cwd):
                raise Invalid(f"The folder {cwd} is not there any more.") from error
            raise Unavailable("git is not installed on this machine.", hint="Install git, then try again.") from error
        except PermissionError as error:
            raise Invalid(f"You may not run {self.program} in {cwd}: {error.strerror}.") from error

    async def unattended(self) -> Mapping[str, str]:
        """What to add to the environment before git talks to a remote: the person's own ssh command, told to ask nobody."""
        inherited = os.environ if self.env is None else self.env
        if "GIT_SSH" in inherited:
            return {}
        own = inherited.get("GIT_SSH_COMMAND") or await self.line("config", "--get", "core.sshCommand", cwd=Path("/"))
        return {"GIT_SSH_COMMAND": f"{own or 'ssh'} -o BatchMode=yes -o ConnectTimeout=15"}

    async def says_yes(self, *argv: str, cwd: Path) -> bool:
        """Whether git answers with success: for questions whose `no` is an exit code."""
        try:
            await self(*argv, cwd=cwd)
        except GitFailed:
            return False
        return True

    async def line(self, *argv: str, cwd: Path) -> str:
        """The one line that git prints, empty when it has no answer."""
        try:
            return (await self(*argv, cwd=cwd)).rstrip("\n")
        except GitFailed:
            return ""


async def _listen(stderr: asyncio.StreamReader, limit: asyncio.Timeout, quiet: float | None) -> str:
    """The last 64 KiB of what git says; each piece moves the limit."""
    heard = b""
    loop = asyncio.get_running_loop()
    while True:
        if quiet is not None:
            limit.reschedule(loop.time() + quiet)
        piece = await stderr.read(8192)
        if not piece:
            break
        heard = (heard + piece)[-65536:]
    lines = re.split(r"[\r\n]+", heard.decode(errors="replace"))
    return "\n".join(line.rstrip() for line in lines if line.strip() and not _PROGRESS.fullmatch(line.strip()))


async def _end(process: asyncio.subprocess.Process) -> None:
    """git and all it started (ssh, remote helpers) are gone when this returns."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())


def _verb(argv: Sequence[str]) -> str:
    return next((word for word in argv if not word.startswith("-")), "")


def check_url(url: str) -> None:
    """Raise Invalid unless git may be pointed at this URL: a known transport, no secret in it, no option."""
    if not url or url != url.strip() or any(ord(char) < 32 or ord(char) == 127 for char in url):
        raise Invalid("This is no git URL.", hint="It looks like https://host/owner/name.git or git@host:owner/name.git")
    scheme, divider, rest = url.partition("://")
    if divider and scheme.lower() in _SCHEMES:
        place = rest.partition("/")[0]
        user, _, host = place.rpartition("@")
        if host.startswith("-") or (not host and scheme.lower() != "file"):
            raise Invalid(f"The URL {url!r} names no host.")
        if ":" in user or (scheme.lower() in {"http", "https"} and _TOKEN.fullmatch(user)):
            raise Invalid(
                "This URL has a password or token in it; Volundr would have to store and show it.",
                hint="Use the URL without it: git takes what it needs from your credential helper or SSH key.",
            )
        return
    if url.startswith("/") or (not divider and "::" not in url and _SCP.fullmatch(url)):
        return
    raise Invalid(
        f"Volundr does not fetch from {url!r}: it knows https, http, ssh, git and file URLs, host:path, and absolute paths.",
        hint="It looks like https://host/owner/name.git or git@host:owner/name.git",
    )


_CAUSES: tuple[tuple[str, bool, str], ...] = (
    ("host key verification failed", False, "Connect once by hand, so that you can accept the key of that host: ssh -T <host>"),
    (
        "authentication failed|could not read (username|password)|terminal prompts disabled|permission denied|access denied|"
        "returned error: 40[13]",
        False,
        "git could not sign in. Make `git ls-remote <url>` work in a terminal: add your SSH key or set up a credential helper.",
    ),
    (
        "could not resolve|connection refused|timed out|network is unreachable|unable to connect|failed to connect|"
        "returned error: 5|early eof|connection reset",
        True,
        "Check the network and the host name, then try again.",
    ),
    (
        "not found|does not exist|does not appear to be a git repository|no such file",
        False,
        "Check the URL. Some hosts also say so when you may not see the repository.",
    ),
)


def remote_error(url: str, failed: GitFailed) -> VolundrError:
    """What git said about a remote, verbatim, with the way out that fits."""
    text = f"git cannot fetch {url}:\n{failed}"
    for pattern, outside, hint in _CAUSES:
        if re.search(pattern, str(failed), re.IGNORECASE):
            return Unavailable(text, hint=hint) if outside else Invalid(text, hint=hint)
    return Invalid(text)
