"""Keeps one agent CLI: starts it, waits for it, and lets nothing that descends from it outlive it.

A keeper is a small process, forked from the shim or started as a program by Skuld. On Linux it is a child subreaper: what the
CLI leaves behind (`setsid`, `nohup`, double fork) becomes a direct child of the keeper. A direct child keeps its pid until it is
waited for, so that a signal to it never hits a stranger. The kernel tells the keeper when its own parent dies, and the CLI when
the keeper does. Elsewhere (macOS) there is no subreaper: a parent's death is seen on the control pipe, and only the CLI's process
group is ended.

The keeper tells what happens as JSON lines on the status pipe: `{"pid"}` or `{"failed"}`, then `{"exited"}`: the exit code, or
minus the signal's number. On the control pipe it takes `stop <grace>` and `interrupt` (SIGINT to the CLI); the
pipe's end means that its parent is gone.
"""

import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

LINUX = sys.platform == "linux"
ORPHAN_GRACE = 2.0
"""Seconds that a CLI gets after SIGTERM when the keeper's parent died."""
SWEEP_GRACE = 0.3
UNKILLABLE = 3.0
_PR_SET_PDEATHSIG, _PR_SET_NAME, _PR_SET_CHILD_SUBREAPER = 1, 15, 36
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to run: no shell, `env` is complete. `terminal`: its stdin is a terminal, which becomes the one that controls it."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: str
    terminal: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipes:
    """The CLI's stdin, stdout and stderr; where the keeper listens; where it reports."""

    stdin: int
    stdout: int
    stderr: int
    control: int
    status: int


def become_subreaper() -> None:
    """Orphans below this process become its own children from here on."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def children() -> Sequence[int]:
    """The pids of this process's direct children."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", "rb") as file:
            return [int(pid) for pid in file.read().split()]
    except FileNotFoundError:
        return _children_by_search() if LINUX else ()


def fork(job: Job, pipes: Pipes) -> int:
    """A keeper as a child of this process, which must have a single thread. Returns its pid."""
    parent = os.getpid()
    masked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    pid = os.fork()
    if pid == 0:
        try:
            signal.set_wakeup_fd(-1)
            close_all_but(pipes)
            keep(job, pipes, parent)
        except BaseException as error:
            os.write(2, f"keeper: {type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(70)
    signal.pthread_sigmask(signal.SIG_SETMASK, masked)
    return pid


def close_all_but(pipes: Pipes) -> None:
    kept = sorted({0, 1, 2, pipes.stdin, pipes.stdout, pipes.stderr, pipes.control, pipes.status})
    for low, high in zip(kept, [*kept[1:], os.sysconf("SC_OPEN_MAX")], strict=True):
        os.closerange(low + 1, high)


def keep(job: Job, pipes: Pipes, parent: int) -> NoReturn:
    """Be the keeper from here to the end of this process. `parent` is who must not die before us."""
    keeper = _Keeper(pipes)
    become_subreaper()
    _prctl(_PR_SET_NAME, b"volundr-keeper")
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(0)
    with suppress(PermissionError):  # a session leader already
        os.setsid()
    os.chdir("/")
    os._exit(keeper.run(job))


class _Keeper:
    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes
        self._control = [pipes.control]
        self._cli = 0
        self._code: int | None = None
        self._kill_at: float | None = None
        self._hurry = False
        self._told = False
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._end(ORPHAN_GRACE))
        signal.pthread_sigmask(signal.SIG_SETMASK, [])

    def run(self, job: Job) -> int:
        """Start, wait, sweep. Returns what this process ends with."""
        failure = self._start(job)
        for pipe in (self._pipes.stdin, self._pipes.stdout, self._pipes.stderr):
            if pipe > 2:
                os.close(pipe)
        if failure:
            self._tell(failed=failure)
            return 127
        self._tell(pid=self._cli)
        while self._reap() and self._code is None:
            self._wait(self._patience())
        self._sweep()
        self._tell_end()
        return 0

    def _start(self, job: Job) -> str:
        """Fork and exec; the cause when that fails."""
        result, report = os.pipe()  # closed by a successful exec
        keeper = os.getpid()
        self._cli = os.fork()
        if self._cli == 0:
            try:
                _become(job, self._pipes, keeper)
            except OSError as error:
                where = os.fsdecode(error.filename or "")
                os.write(report, json.dumps([error.errno, error.strerror, where]).encode())
            finally:
                os._exit(127)
        os.close(report)
        with os.fdopen(result, "rb") as file:
            said = file.read()
        if not said:
            return ""
        os.waitpid(self._cli, 0)
        return _cause(job, *json.loads(said))

    def _end(self, grace: float) -> None:
        """Ask the CLI to end, and remember when to insist."""
        self._kill_at = min(self._kill_at or float("inf"), time.monotonic() + grace)
        self._signal_group(signal.SIGTERM)

    def _signal_cli(self, number: int) -> None:
        if self._cli and self._code is None:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(self._cli, number)

    def _signal_group(self, number: int) -> None:
        if self._cli and self._code is None:  # not waited for: the pid is still its own
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._cli, number)

    def _patience(self) -> float | None:
        if self._kill_at is None:
            return None
        left = self._kill_at - time.monotonic()
        if left > 0:
            return left
        self._hurry = True
        self._signal_group(signal.SIGKILL)
        return 0.1

    def _wait(self, limit: float | None) -> None:
        """Until a signal, a word from the parent, or the limit."""
        ready, _, _ = select.select([self._woken, *self._control], [], [], limit)
        if self._woken in ready:
            os.read(self._woken, 4096)
        if self._control and self._control[0] in ready:
            self._listen()

    def _listen(self) -> None:
        said = os.read(self._pipes.control, 4096)
        if not said:
            self._control = []
            self._end(ORPHAN_GRACE)
        for line in said.decode().splitlines():
            if line == "interrupt":
                self._signal_cli(signal.SIGINT)
            else:
                self._end(float(line.removeprefix("stop ")))

    def _reap(self) -> bool:
        """Let ended children go, ours and those that were left to us. False when there is none left."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self._cli:
                    self._code = os.waitstatus_to_exitcode(status)
        except ChildProcessError:
            return False

    def _sweep(self) -> None:
        """End whatever is left of the CLI's tree: asked, then forced, until there is no child any more."""
        if not LINUX:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._cli, signal.SIGKILL)
            return
        begun, asked = time.monotonic(), set[int]()
        while self._reap():
            spent = time.monotonic() - begun
            for pid in children():
                if self._hurry or spent > SWEEP_GRACE:
                    os.kill(pid, signal.SIGKILL)
                elif pid not in asked:
                    asked.add(pid)
                    os.kill(pid, signal.SIGTERM)
                    os.kill(pid, signal.SIGCONT)
            if spent > UNKILLABLE:  # it hangs in the kernel: do not let others wait for it
                self._tell_end()
            self._wait(0.02)

    def _tell_end(self) -> None:
        if not self._told:
            self._told = True
            self._tell(exited=self._code)

    def _tell(self, **what: object) -> None:
        with suppress(BrokenPipeError):
            os.write(self._pipes.status, json.dumps(what).encode() + b"\n")


def _become(job: Job, pipes: Pipes, keeper: int) -> NoReturn:
    """Turn this fresh child into the CLI."""
    if job.terminal:
        os.setsid()
    else:
        os.setpgid(0, 0)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(127)
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    for target, pipe in enumerate((pipes.stdin, pipes.stdout, pipes.stderr)):
        if pipe == target:
            os.set_inheritable(pipe, True)
        else:
            os.dup2(pipe, target)
    if job.terminal:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(job.cwd)
    os.execvpe(job.argv[0], list(job.argv), dict(job.env))  # noqa: S606 - no shell on purpose


def _cause(job: Job, number: int, text: str, where: str) -> str:
    """Why the CLI did not start, for a person."""
    program = job.argv[0]
    if where == job.cwd:
        return f"The folder {job.cwd} cannot be entered: {text}."
    if number == errno.ENOENT and "/" in program and os.path.exists(program):
        return f"The program {program} cannot be started: the interpreter that its first line names is missing."
    if number == errno.ENOENT and "/" not in program:
        return f"The program {program!r} is not on the PATH: {text}."
    return f"The program {program} cannot be started: {text}."


def _children_by_search() -> Sequence[int]:
    """For kernels without the `children` file: whoever names us as its parent."""
    me, found = str(os.getpid()).encode(), list[int]()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{name}/stat", "rb") as file:
                stat = file.read()
                if stat[stat.rindex(b")") + 2 :].split()[1] == me:
                    found.append(int(name))
    return found


def _prctl(option: int, value: int | bytes) -> None:
    if _libc is not None and _libc.prctl(option, value if isinstance(value, bytes) else ctypes.c_ulong(value), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl failed")


def main(argv: Sequence[str]) -> NoReturn:
    """The program form, `keeper <parent> <job> <control> <status>`: our parent's pid and three inherited pipes.

    The job is read as JSON from its pipe, so that neither its arguments nor its environment become the keeper's own.
    """
    parent, job, control, status = (int(word) for word in argv)
    with os.fdopen(job, "rb") as file:
        wanted = json.load(file)
    for pipe in (control, status):
        os.set_inheritable(pipe, False)
    keep(Job(**wanted), Pipes(stdin=0, stdout=1, stderr=2, control=control, status=status), parent)


if __name__ == "__main__":
    main(sys.argv[1:])
