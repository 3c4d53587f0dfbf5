"""CPU, memory and GPUs: what there is where sessions run, and what a session may ask for."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from volundr.domain.errors import Invalid
from volundr.domain.sessions.model import Session
from volundr.domain.sessions.ports import SessionGate

_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)([A-Za-z]{0,2})")
_FACTORS: Mapping[str, float] = {
    "": 1,
    "m": 0.001,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceKind:
    """Something that sessions take. `capacity` and `free` are in `unit`s; None: nobody can say.

    `most`: what one session may ask for; None: no limit of its own.
    """

    name: str
    unit: Literal["cores", "bytes", "devices"]
    capacity: float | None = None
    free: float | None = None
    most: float | None = None
    details: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceReport:
    """`held`: sessions are held to what they asked for; otherwise it is only checked against what there is."""

    place: str
    held: bool
    kinds: Sequence[ResourceKind]


class ResourceProvider(ABC):
    """Knows what there is where sessions run."""

    @abstractmethod
    async def discover(self) -> ResourceReport:
        """What there is now, within 5 seconds; asked for often, so what does not change is remembered."""

    @abstractmethod
    async def translate(self, wanted: Mapping[str, str]) -> Mapping[str, str]:
        """What a session asks for in the words of its pod manager. Raises Invalid for what cannot be had here, ever."""


class ResourceGate(SessionGate):
    """Refuses a session that asks for more than there is, when it is created and not when its pod hangs."""

    def __init__(self, resources: ResourceProvider) -> None:
        self._resources = resources

    async def admit(self, session: Session, verb: Literal["create", "start"]) -> Session:
        wanted = session.options.resources
        if verb == "start" or not wanted:
            return session
        return replace(session, options=replace(session.options, resources=await self._resources.translate(wanted)))


def amount(name: str, text: str) -> float:
    """An amount as people write it (`2`, `500m`, `1.5`, `4Gi`), in units. Raises Invalid for what is none."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or found[2] not in _FACTORS:
        raise Invalid(f"{text!r} is no amount of {name}.", hint="Examples: cpu 2 or 500m, memory 4Gi, gpu 1.")
    return float(found[1]) * _FACTORS[found[2]]


def fitting(report: ResourceReport, wanted: Mapping[str, str]) -> Mapping[str, str]:
    """What is wanted, if there is that much of it at all. Raises Invalid, saying what there is."""
    kinds = {kind.name: kind for kind in report.kinds}
    for name, text in wanted.items():
        if name not in kinds:
            raise Invalid(f"There is no {name!r} to ask for.", hint=f"There is: {', '.join(sorted(kinds))}.")
        kind, number = kinds[name], amount(name, text)
        if kind.unit == "devices" and number != int(number):
            raise Invalid(f"{text!r} is no number of {name} devices.")
        limits = [limit for limit in (kind.capacity, kind.most) if limit is not None]
        if limits and number > min(limits):
            raise Invalid(f"There is {_shown(kind, min(limits))} of {name} in {report.place}; {text} were asked for.")
    return dict(wanted)


def _shown(kind: ResourceKind, number: float) -> str:
    return f"{number / 2**30:.1f} GiB" if kind.unit == "bytes" else f"{number:g}"
