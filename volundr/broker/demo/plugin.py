"""The demo agent as an agent of a session: this very program in another role."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from volundr import __version__
from volundr.broker.parts import Capabilities, Choice
from volundr.broker.transports.stream_json import StreamJsonDialect
from volundr.broker.transports.transport import Agent, Dialect, Found, Job, Launch
from volundr.hooks import hookimpl
from volundr.process import own_command
from volundr.registry import Adapters

MODES = (
    Choice(id="default", label="Ask before changes"),
    Choice(id="acceptEdits", label="Edit files without asking"),
    Choice(id="plan", label="Change nothing"),
)
THINKING = (Choice(id="0", label="No thinking"), Choice(id="4000", label="Think first"))
LOST = "No conversation found"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSettings:
    """Nothing to set."""


class DemoAgent(Agent):
    label = "Demo (no model, no account)"
    capabilities = Capabilities(edited_input=True, steer=True, model=True, mode=True, thinking=True, fork=True)

    def __init__(self, state: Path | None) -> None:
        """`state` is the folder that has one folder for each session."""
        self._state = state

    def find(self, env: Mapping[str, str]) -> Found:  # noqa: ARG002 - always there
        return Found(available=True, version=__version__, path=own_command()[0])

    def launch(self, job: Job) -> Launch:
        chosen = {"--model": job.model, "--permission-mode": job.mode, "--resume": job.resume}
        if self._state is not None:
            chosen["--state"] = str(self._state / job.session / "demo")
        if job.fork and job.resume:
            chosen["--fork-of"] = chosen.pop("--resume")
        options = [word for flag, value in chosen.items() if value for word in (flag, value)]
        return Launch(argv=[*own_command(), "demo-agent", *options], env=dict(job.env), cwd=job.cwd)

    def dialect(self, job: Job) -> Dialect:
        return StreamJsonDialect(str(job.cwd), self.hint, modes=MODES, thinking=THINKING, thinks=job.thinking, spent=job.spent)

    def hint(self, error: str) -> str:
        return "This is a scripted failure of the demo." if "demo" in error.lower() else ""

    def lost(self, error: str) -> bool:
        return LOST in error


@hookimpl
def volundr_adapters(adapters: Adapters) -> None:
    home = adapters.home
    adapters.offer(Agent, "demo", DemoSettings, lambda _: DemoAgent(home / "sessions" if home else None))
