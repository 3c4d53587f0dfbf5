"""What this machine has for sessions that run as its processes."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from volundr.domain.resources import ResourceKind, ResourceProvider, ResourceReport, fitting
from volundr.local.programs import ask

GPUS = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
ANSWER_SECONDS = 3.0
_MEMORY = Path("/proc/meminfo")
_LIMIT = Path("/sys/fs/cgroup/memory.max")


class MachineResources(ResourceProvider):
    """CPUs this process may use, memory up to the limit of its control group, NVIDIA GPUs where their tool is there."""

    def __init__(self) -> None:
        self._gpus: Sequence[str] | None = None

    async def discover(self) -> ResourceReport:
        if self._gpus is None:
            self._gpus = await _gpus()
        total, free = await asyncio.to_thread(_memory)
        cores = os.cpu_count() or 1
        load = os.getloadavg()[0]
        return ResourceReport(
            place="this machine",
            held=False,
            kinds=(
                ResourceKind(name="cpu", unit="cores", capacity=float(cores), free=max(0.0, round(cores - load, 2))),
                ResourceKind(name="memory", unit="bytes", capacity=total, free=free),
                ResourceKind(name="gpu", unit="devices", capacity=float(len(self._gpus)), details=self._gpus),
            ),
        )

    async def translate(self, wanted: Mapping[str, str]) -> Mapping[str, str]:
        return fitting(await self.discover(), wanted)


def _memory() -> tuple[float | None, float | None]:
    """Total and available bytes; None where the machine does not say."""
    try:
        lines = dict(line.split(":", 1) for line in _MEMORY.read_text("utf-8").splitlines() if ":" in line)
        total, free = (float(lines[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    except (OSError, KeyError, ValueError, IndexError):
        return None, None
    try:
        limit = float(_LIMIT.read_text("utf-8"))
    except (OSError, ValueError):  # no limit, or control groups of another kind
        return total, free
    return min(total, limit), min(free, limit)


async def _gpus() -> Sequence[str]:
    """What their tool prints, a line each, whatever it ends with: it does so for those that work."""
    answer = await ask(GPUS, ANSWER_SECONDS)
    return () if answer is None else tuple(line.strip() for line in answer.text.splitlines() if line.strip())
