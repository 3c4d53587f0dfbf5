"""Ports, the adapters that plugins offer, and how settings choose among them."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from volundr.broker.parts import Capabilities
from volundr.broker.transports.transport import Agent, Dialect, Found, Job, Launch
from volundr.domain.errors import Invalid
from volundr.loader import load
from volundr.local.agents import LocalAgents
from volundr.registry import Adapters

PLUGIN = """
from volundr.sdk import Adapters, Agent, hookimpl
from dataclasses import dataclass

@dataclass(frozen=True)
class Nothing:
    pass

@hookimpl
def volundr_adapters(adapters: Adapters) -> None:
    adapters.offer(Agent, "mine", Nothing, lambda settings: None)
"""


class Lamp:
    pass


@dataclass(frozen=True, kw_only=True)
class LampSettings:
    watts: int = 40
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    command: str = ""


class Bulb(Lamp):
    def __init__(self, settings: LampSettings) -> None:
        self.settings = settings


@pytest.fixture
def adapters() -> Adapters:
    found = Adapters()
    found.offer(Lamp, "bulb", LampSettings, Bulb)
    found.offer(Lamp, "tube", LampSettings, Bulb)
    return found


def test_settings_choose_an_adapter_and_configure_it(adapters: Adapters) -> None:
    lamp = adapters.one(Lamp, {"use": "bulb", "bulb": {"watts": 60}, "tube": {"watts": 1}})
    assert isinstance(lamp, Bulb)
    assert lamp.settings.watts == 60


def test_a_wrong_name_is_answered_with_the_right_ones(adapters: Adapters) -> None:
    with pytest.raises(Invalid, match=r"No Lamp is called 'candle'. There is: bulb, tube"):
        adapters.one(Lamp, {"use": "candle"})


def test_a_wrong_setting_is_answered_with_the_right_ones(adapters: Adapters) -> None:
    with pytest.raises(Invalid, match=r"'bulb' has no setting 'wats'. It has: watts"):
        adapters.one(Lamp, {"use": "bulb", "bulb": {"wats": 60}})
    with pytest.raises(Invalid, match="watts"):
        adapters.one(Lamp, {"use": "bulb", "bulb": {"watts": "many"}})
    with pytest.raises(Invalid, match="must be a section"):
        adapters.one(Lamp, {"use": "bulb", "bulb": 60})


def test_all_adapters_of_a_port_get_their_own_section(adapters: Adapters) -> None:
    lamps = adapters.all(Lamp, {"tube": {"command": "x", "args": ["a"]}})
    assert list(lamps) == adapters.names(Lamp) == ["bulb", "tube"]
    tube = lamps["tube"]
    assert isinstance(tube, Bulb)
    assert (tube.settings.command, tube.settings.args, tube.settings.watts) == ("x", ["a"], 40)
    assert adapters.ports() == [Lamp]


def test_a_section_with_a_protocol_makes_an_adapter_of_its_own_name(adapters: Adapters) -> None:
    adapters.offer_protocol(Lamp, "gas", LampSettings, lambda name, settings: Bulb(replace(settings, command=name)))
    lamps = adapters.all(Lamp, {"street": {"protocol": "gas", "watts": 7}})
    street = lamps["street"]
    assert isinstance(street, Bulb)
    assert (street.settings.command, street.settings.watts) == ("street", 7)
    for section in ({}, {"protocol": "oil"}):
        with pytest.raises(Invalid, match="street") as raised:
            adapters.all(Lamp, {"street": section})
        assert "gas" in raised.value.hint


def test_one_name_cannot_be_offered_twice(adapters: Adapters) -> None:
    with pytest.raises(Invalid, match="Two plugins offer Lamp under the name 'bulb'"):
        adapters.offer(Lamp, "bulb", LampSettings, Bulb)


def test_a_file_in_the_home_folder_is_a_plugin(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "mine.py").write_text(PLUGIN)
    assert load(tmp_path).names(Agent) == ["claude", "codex", "demo", "gemini", "mine", "opencode"]
    assert load(tmp_path, outside=False).names(Agent) == ["claude", "codex", "demo", "gemini", "opencode"]


@pytest.mark.parametrize("text", ["import nothing_like_this", "def (", "raise SystemError('no')"])
def test_a_broken_plugin_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "broken.py").write_text(text)
    with pytest.raises(Invalid, match=r"broken\.py") as raised:
        load(tmp_path)
    assert raised.value.hint


def test_loading_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = "('pydantic', 'starlette', 'fastapi', 'httpx', 'uvicorn', 'aiosqlite')"
    asked = f"import sys; from pathlib import Path; from volundr.loader import load; load(Path({str(tmp_path)!r})); "
    asked += f"print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-P", "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class Slow(Agent):
    label = "Slow"
    capabilities = Capabilities()
    looked = 0

    def find(self, env: Mapping[str, str]) -> Found:
        type(self).looked += 1
        time.sleep(0.1)
        if env.get("BROKEN"):
            raise RuntimeError("a plugin's fault")
        return Found(available=bool(env), problem="" if env else "It is not here.")

    def launch(self, job: Job) -> Launch:
        raise NotImplementedError

    def dialect(self, job: Job) -> Dialect:
        raise NotImplementedError

    def hint(self, error: str) -> str:
        return error

    def lost(self, error: str) -> bool:
        return not error


@pytest.mark.parametrize(
    ("env", "available", "problem"),
    [({"A": "b"}, True, ""), ({}, False, "not here"), ({"BROKEN": "1"}, False, "a plugin's fault")],
)
def test_agents_are_looked_for_side_by_side_and_not_all_the_time(env: dict[str, str], available: bool, problem: str) -> None:
    found = Adapters()
    for name in ("a", "b", "c"):
        found.offer(Agent, name, LampSettings, lambda _: Slow())
    Slow.looked = 0

    async def main() -> None:
        catalogue = LocalAgents(found.all(Agent), env)
        begun = time.monotonic()
        one, two = await asyncio.gather(catalogue.list(), catalogue.list())
        assert time.monotonic() - begun < 0.28
        assert one == two
        assert Slow.looked == 3
        assert [(agent.name, agent.available) for agent in one] == [(name, available) for name in ("a", "b", "c")]
        assert problem in one[0].problem

    asyncio.run(main())
