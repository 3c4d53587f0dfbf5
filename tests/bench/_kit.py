"""A forge with the printing agent, the memory of its processes, and a table of what was found."""

import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from tests.e2e.forge import Forge, forge_at

AGENT = Path(__file__).with_name("_agent.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `floor` is the same without Volundr between, `budget` what was promised."""

    what: str
    value: float
    unit: str
    floor: float | None = None
    budget: str = ""


def show(title: str, rows: Sequence[Row]) -> None:
    print(f"\n{title}")
    print(f"  {'':44} {'here':>12} {'floor':>12} {'ratio':>8}   budget")
    for row in rows:
        floor = "" if row.floor is None else _number(row.floor)
        ratio = "" if not row.floor else f"{row.value / row.floor:.2f}"
        promised = f"; {row.budget}" if row.budget else ""
        print(f"  {row.what:44} {_number(row.value):>12} {floor:>12} {ratio:>8}   {row.unit}{promised}")
    sys.stdout.flush()


def cpu(pid: int) -> float:
    """Seconds of processor time that it has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(found: Sequence[float], which: int) -> float:
    return quantiles(found, n=100, method="inclusive")[which - 1]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}"


@contextmanager
def printing_forge() -> Iterator[Forge]:
    """A forge in a folder of its own whose agent `claude` is the printing one."""
    with tempfile.TemporaryDirectory(prefix="volundr-bench-") as folder:
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        program = Path(folder) / "agent"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {AGENT} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        (home / "config.toml").write_text(f'[agents.claude]\ncommand = "{program}"\n')
        with forge_at(home) as forge:
            yield forge


def memory(pid: int) -> tuple[float, float]:
    """(PSS, RSS) in MB: with shared pages split among those who share them, and without."""
    kilobytes = {}
    for text in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, value = text.partition(":")
        kilobytes[name] = float(value.split()[0])
    return kilobytes["Pss"] / 1000, kilobytes["Rss"] / 1000
