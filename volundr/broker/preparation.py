"""What is made of a workspace before its agent first starts: further repositories, then the setup scripts, one after the other.

Each step is done once. What was done stands in `setup.json` in the session's own folder, so that a session that failed in the
middle, or whose Skuld was killed there, goes on with the step it was in.
"""

import asyncio
import hashlib
import json
import logging
import os
import shutil
import signal
from asyncio import StreamReader
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Self

from volundr.domain.errors import Invalid, Unavailable, VolundrError
from volundr.domain.sessions.spec import Repository, SessionSpec

log = logging.getLogger(__name__)

SCRIPT_SECONDS = 30 * 60.0
QUIET_SECONDS = 90.0
"""How long a clone may say nothing; one that moves may take as long as it needs."""
DRAIN_SECONDS = 1.0
KEPT_LINES = 400
LONGEST_LINE = 2000
LONGEST_FILE = 1024 * 1024
_PIECE = 64 * 1024
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE")
_UNATTENDED: Mapping[str, str] = {
    "GIT_TERMINAL_PROMPT": "0",
    "SSH_ASKPASS_REQUIRE": "never",
    "GCM_INTERACTIVE": "never",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=15",
}
"""Nobody is there to answer git. What the session itself sets goes before this."""
_BOUND = (
    "/bin/sh",
    "-c",
    'exec 3<&0; (read -r _ <&3; kill -KILL 0) >/dev/null 2>&1 & exec 3<&- </dev/null; exec "$@"',
    "setup",
)
"""Runs what follows as the leader of its group, which ends when the pipe on its stdin does: with Skuld, however that ends."""
AGAIN = "Mend it, then start the session again: it goes on with this step."

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Clone:
    """A repository to have in a folder of the workspace."""

    repository: Repository

    @property
    def label(self) -> str:
        return f"cloning {self.repository.path}"

    def key(self) -> str:
        return _digest("clone", asdict(self.repository))


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """`/bin/sh -e` in the workspace. `number` counts the scripts from 1."""

    text: str
    number: int

    @property
    def label(self) -> str:
        return f"setup script {self.number}"

    def key(self) -> str:
        return _digest(f"script {self.number}", self.text)


type Step = Clone | Script


def steps_of(spec: SessionSpec) -> Sequence[Step]:
    """In their order. A fork works in a workspace that is set up already."""
    if spec.fork_of:
        return ()
    scripts = [Script(text=text, number=number) for number, text in enumerate(spec.setup, 1)]
    return (*(Clone(repository=one) for one in spec.repositories), *scripts)


class Preparation:
    """Made by `read`. `state` is `due` until `run` begins; `step`, `error` and `hint` are for people."""

    def __init__(self, spec: SessionSpec, folder: Path, done: Sequence[str], *, complete: bool) -> None:
        self.state: Literal["due", "running", "failed", "done"] = "done" if complete or not steps_of(spec) else "due"
        self.step = self.error = self.hint = ""
        self.spec = spec
        self._folder = folder
        self._done = list(done)
        self._limit = SCRIPT_SECONDS

    @classmethod
    def read(cls, spec: SessionSpec, folder: Path, limit: float = SCRIPT_SECONDS) -> Self:
        """Blocking. What is still to be done for this session, whose own folder this is. `limit`: seconds for one script."""
        if not steps_of(spec):
            return cls(spec, folder, (), complete=True)
        kept = _kept(folder)
        made = cls(spec, folder, [str(one) for one in kept.get("done", ())], complete=bool(kept.get("complete")))
        made._limit = limit
        return made

    def printed(self) -> Sequence[str]:
        """Blocking. The last lines that the steps have printed so far."""
        try:
            text = (self._folder / "setup.log").read_text("utf-8", "replace")
        except OSError:
            return ()
        return text.splitlines()[-KEPT_LINES:]

    async def run(self, say: Say) -> bool:
        """Do what is due; whether all is done now. Never raises but for cancellation, and leaves no process behind."""
        self.state, self.error, self.hint = "running", "", ""
        steps = steps_of(self.spec)
        try:
            for number, step in enumerate(steps, 1):
                if step.key() not in self._done:
                    self.step = f"Setting up: {number} of {len(steps)}, {step.label}"
                    await self._do(step, say)
                    self._done.append(step.key())
                    await self._keep(complete=False)
            await self._keep(complete=True)
        except (VolundrError, OSError) as error:
            self.fail(error)
            return False
        except Exception as error:
            log.exception("setup failed", extra={"session": self.spec.session_id})
            self.fail(Unavailable(f"Volundr failed while it set this session up: {error!r}"))
            return False
        self.state, self.step = "done", ""
        return True

    def fail(self, error: VolundrError | OSError) -> None:
        """It is not done, for this reason. `run` may be called again."""
        self.error = str(error)
        self.hint = error.hint if isinstance(error, VolundrError) and error.hint else AGAIN
        self.state, self.step = "failed", ""

    async def _do(self, step: Step, say: Say) -> None:
        file = await asyncio.to_thread(_Printout.open, self._folder / "setup.log", say)
        try:
            file.line(self.step)
            if isinstance(step, Clone):
                await self._clone(step.repository, file)
            else:
                await self._script(step, file)
        finally:
            await asyncio.to_thread(file.close)

    async def _clone(self, wanted: Repository, out: "_Printout") -> None:
        workspace = Path(self.spec.workspace)
        target = await asyncio.to_thread(_inside, workspace, wanted.path)
        made = target.with_name(f".{target.name}.{_digest('clone', asdict(wanted))[:8]}")
        if await asyncio.to_thread(_taken, target):
            if await self._origin(target, out) == wanted.url:
                return
            raise Invalid(f"{wanted.path} cannot be cloned: there is something of that name in the workspace already.")
        await asyncio.to_thread(_room_for, made)
        branch = (f"--branch={wanted.branch}",) if wanted.branch else ()
        safe = ("-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never")
        argv = ("git", *safe, "clone", "--progress", *branch, "--", wanted.url, str(made))
        code = await self._program(argv, workspace, out, quiet=QUIET_SECONDS)
        if code:
            raise Unavailable(f"The repository for {wanted.path} could not be cloned (git ended with code {code}).", AGAIN)
        await asyncio.to_thread(made.rename, target)

    async def _origin(self, folder: Path, out: "_Printout") -> str:
        """The address that a repository was cloned from, "" if it is none."""
        lines: list[str] = []
        asked = _Printout(lines.append)
        code = await self._program(("git", "config", "--local", "--get", "remote.origin.url"), folder, asked, quiet=QUIET_SECONDS)
        asked.end()
        if code:
            out.line("This folder is not a clone of the repository.")
        return lines[0] if lines and not code else ""

    async def _script(self, step: Script, out: "_Printout") -> None:
        file = self._folder / f"setup-{step.number}.sh"
        await asyncio.to_thread(_write, file, step.text)
        code = await self._program(("/bin/sh", "-e", str(file)), Path(self.spec.workspace), out, deadline=self._limit)
        if code:
            raise Unavailable(f"Setup script {step.number} failed: it ended with exit code {code}.", AGAIN)
        await asyncio.to_thread(file.unlink, missing_ok=True)

    async def _program(
        self, argv: Sequence[str], cwd: Path, out: "_Printout", *, deadline: float | None = None, quiet: float | None = None
    ) -> int:
        """Run it to its end and give its output to `out`. Raises Unavailable when it takes too long or cannot be run."""
        env = {**_UNATTENDED, **{name: value for name, value in self.spec.env.items() if name not in _FOREIGN}}
        said, end = os.pipe()  # of our own: asyncio's would be waited for, however long a process left behind holds it
        bond, life = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *_BOUND, *argv, cwd=cwd, env=env, stdin=bond, stdout=end, stderr=end, start_new_session=True
            )
        except OSError as error:
            for pipe in (said, life):
                os.close(pipe)
            raise Unavailable(f"{argv[0]} cannot be run in {cwd}: {error.strerror}.", AGAIN) from error
        finally:
            for pipe in (end, bond):
                os.close(pipe)
        try:
            async with asyncio.timeout(deadline or quiet) as limit, asyncio.TaskGroup() as group:
                listening = group.create_task(_listen(said, out, limit, quiet), name="listen to a setup step")
                code = await process.wait()
                await asyncio.wait({listening}, timeout=DRAIN_SECONDS)  # what it left behind may hold the pipe open
                listening.cancel()
        except TimeoutError as error:
            what = f"said nothing for {quiet:.0f} s" if quiet else f"was not done within {(deadline or 0) / 60:.0f} min"
            raise Unavailable(f"{self.step}: it {what} and was ended.", AGAIN) from error
        finally:
            os.close(life)
            await _end(process)
        return code

    async def _keep(self, *, complete: bool) -> None:
        body = json.dumps({"done": self._done, "complete": complete})
        await asyncio.to_thread(_write, self._folder / "setup.json", body)


@dataclass(slots=True)
class _Printout:
    """Makes lines of what a program prints, progress that overwrites itself included, for `say` and for a file."""

    say: Say
    file: Any = None
    _rest: bytes = b""
    _room: int = LONGEST_FILE

    @classmethod
    def open(cls, path: Path, say: Say) -> Self:
        """Blocking."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        file = os.fdopen(handle, "a", encoding="utf-8", buffering=1)
        return cls(say, file, _room=LONGEST_FILE - file.tell())

    def take(self, piece: bytes) -> None:
        *whole, self._rest = (self._rest + piece).split(b"\n")
        for raw in whole:
            self.line(_text(raw))
        if len(self._rest) > LONGEST_LINE and b"\r" not in self._rest:
            self.end()
        elif b"\r" in self._rest:
            self._rest = self._rest[self._rest.rindex(b"\r") :]

    def end(self) -> None:
        rest, self._rest = self._rest, b""
        if text := _text(rest):
            self.line(text)

    def line(self, text: str) -> None:
        self.say(text)
        if self.file is not None and self._room > 0:
            self._room -= len(text) + 1
            with suppress(OSError):
                self.file.write(text + "\n")

    def close(self) -> None:
        self.end()
        with suppress(OSError):
            self.file.close()


def _text(raw: bytes) -> str:
    """A line as it stands in the end: what came before a carriage return was overwritten."""
    return raw.rstrip(b"\r").rpartition(b"\r")[2].decode(errors="replace").replace("\x00", "")[:LONGEST_LINE]


async def _listen(pipe: int, out: _Printout, limit: asyncio.Timeout, quiet: float | None) -> None:
    loop, reader = asyncio.get_running_loop(), StreamReader()
    way, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", buffering=0))
    try:
        while piece := await reader.read(_PIECE):
            out.take(piece)
            if quiet:
                limit.reschedule(loop.time() + quiet)
    finally:
        way.close()


async def _end(process: Process) -> None:
    """It and what it started in its group are gone when this returns."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())


def _kept(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "setup.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, text: str) -> None:
    new = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    new.replace(path)


def _inside(workspace: Path, path: str) -> Path:
    """The folder in the workspace. Raises Invalid for a path that leads out of it."""
    wanted = PurePosixPath(path)
    if not wanted.parts or wanted.is_absolute() or ".." in wanted.parts or ".git" in wanted.parts:
        raise Invalid(f"A repository cannot be cloned to {path!r}.", hint="It is a folder below the workspace, such as `docs`.")
    target = workspace / wanted
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.parent.resolve().is_relative_to(workspace.resolve()):
        raise Invalid(f"{path!r} leads out of the workspace.")
    return target


def _taken(target: Path) -> bool:
    return target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir())))


def _room_for(folder: Path) -> None:
    """What an attempt that was killed left there is ours."""
    if folder.exists():
        shutil.rmtree(folder)


def _digest(kind: str, what: object) -> str:
    return hashlib.sha256(json.dumps([kind, what], sort_keys=True).encode()).hexdigest()
