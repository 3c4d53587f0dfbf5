"""What a process and all that descends from it do, read from /proc. Elsewhere nothing is known."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LONGEST_NAME = 60
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """`cpu` is the time used by all of it so far, in seconds; `programs` are the command lines of its descendants."""

    alive: bool
    cpu: float = 0.0
    programs: Sequence[str] = ()


def look(pid: int) -> Tree | None:
    """Blocking, a millisecond for a few hundred processes. None where there is no /proc."""
    if not Path("/proc/self/stat").exists():
        return None
    found = dict(_stats())
    own = found.get(pid)
    if own is None or own.dead:
        return Tree(alive=False)
    below: dict[int, list[int]] = {}
    for child, stat in found.items():
        below.setdefault(stat.parent, []).append(child)
    cpu, programs, todo = own.cpu, list[str](), list(below.get(pid, ()))
    while todo:
        child = todo.pop()
        cpu += found[child].cpu
        programs.append(_name(child))
        todo += below.get(child, ())
    return Tree(alive=True, cpu=cpu, programs=tuple(name for name in programs if name))


@dataclass(frozen=True, slots=True)
class _Stat:
    """`cpu` is the time of the process and of the children that it has waited for; `dead`: not waited for yet."""

    parent: int
    cpu: float
    dead: bool


def _stats() -> Iterator[tuple[int, _Stat]]:
    """All processes: not every kernel has a list of a process's children."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                stat = Path(f"/proc/{name}/stat").read_bytes()
                words = stat[stat.rindex(b")") + 2 :].split()
                yield int(name), _Stat(int(words[1]), sum(map(int, words[11:15])) / _TICK, words[0] in (b"Z", b"X"))


def _name(pid: int) -> str:
    """The first words of its command line: a program's name, and what it works on."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        return " ".join([Path(words[0]).name, *words[1:3]]).strip()[:LONGEST_NAME]
    return ""
