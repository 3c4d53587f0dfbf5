"""Agents that speak ACP: opencode, Gemini CLI, and whatever program the settings name."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from volundr.sdk import Agent, Capabilities, Dialect, Found, Invalid, Job, Launch, Unavailable
from volundr_acp.dialect import AcpDialect
from volundr_acp.settings import AcpSettings

VERSION_SECONDS = 4.5
_VERSION = re.compile(r"\d+\.\d+\S*")
_LOGIN = r"not logged in|auth(entication)?[ _]required|unauthorized|authentication_error|invalid.*(api[- ]?key|token|credential)"
_KEY = r"api[- ]?key.*(missing|not configured|not set|not valid)|missing.*api[- ]?key|\b401\b|login"
_COMMON: Sequence[tuple[str, str]] = (
    (r"credit balance|billing|insufficient.*(credit|quota|funds)", "The account has no credit left. Add some, or use another."),
    (r"rate.?limit|quota|resource_exhausted|\b429\b",
     "The account's limit is reached. Wait until it resets, or use another model."),
    (r"overloaded|\b529\b|\b503\b", "The model's servers are busy. Try again in a minute."),
    (r"enotfound|econnrefused|econnreset|etimedout|eai_again|fetch failed|unable to connect|network|certificate",
     "The model's API cannot be reached. Check the network, a proxy (HTTPS_PROXY), and the provider's address."),
    (r"untrusted folder", "The agent does not trust this folder. Run it there once in a terminal and trust the folder."),
    (r"model.*(not found|not exist|not available|invalid)", "This model is not available to the account. Choose another one."),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What Volundr knows of a program. `keys` are login methods by the variable that makes them possible."""

    label: str
    command: str
    args: Sequence[str] = ()
    install: str = ""
    login: str = ""
    env: Mapping[str, str] | None = None
    keys: Sequence[tuple[str, str]] = ()
    fork: bool = False


OPENCODE = Program(
    label="opencode",
    command="opencode",
    args=("acp",),
    install="Install it with `npm install -g opencode-ai`, or set `command` in [agents.opencode] to where it is.",
    login="Run `opencode auth login` in a terminal, or set the provider's key in [agents.opencode.env]. Then send it again.",
    env={"OPENCODE_DISABLE_AUTOUPDATE": "1"},
    fork=True,
)
GEMINI = Program(
    label="Gemini CLI",
    command="gemini",
    args=("--acp",),
    install="Install it with `npm install -g @google/gemini-cli`, or set `command` in [agents.gemini] to where it is.",
    login="Run `gemini` in a terminal and log in, or set GEMINI_API_KEY in [agents.gemini.env]. Then start the session again.",
    keys=(("GEMINI_API_KEY", "gemini-api-key"),),
)


class AcpAgent(Agent):
    def __init__(self, program: Program, settings: AcpSettings) -> None:
        self._program = program
        self._settings = settings
        self.label = settings.label or program.label
        self.capabilities = Capabilities(model=True, mode=True, thinking=True, images=True, fork=program.fork)

    @property
    def _command(self) -> str:
        return self._settings.command or self._program.command

    def find(self, env: Mapping[str, str]) -> Found:
        path = shutil.which(self._command, path=env.get("PATH"))
        if path is None:
            return Found(available=False, problem=self._missing(), hint=self._program.install)
        version, problem = _version(path, {**env, **self._settings.env, **(self._program.env or {})})
        if problem and self._program in (OPENCODE, GEMINI):
            return Found(available=False, path=path, problem=problem, hint=self._program.install)
        return Found(available=True, version=version, path=path)

    def launch(self, job: Job) -> Launch:
        env = {name: value for name, value in job.env.items() if not name.startswith("VOLUNDR_")}
        path = shutil.which(self._command, path=env.get("PATH"))
        if path is None:
            raise Unavailable(self._missing(), hint=self._program.install)
        argv = [path, *self._program.args, *self._settings.args]
        return Launch(argv=argv, env={**env, **self._settings.env, **(self._program.env or {})}, cwd=job.cwd)

    def dialect(self, job: Job) -> Dialect:
        env = {**job.env, **self._settings.env}
        auth = self._settings.auth or next((method for name, method in self._program.keys if env.get(name)), "")
        return AcpDialect(replace(job, model=job.model or self._settings.model), self.hint, auth)

    def hint(self, error: str) -> str:
        if self._program.login and re.search(f"{_LOGIN}|{_KEY}", error, re.IGNORECASE):
            return self._program.login
        return next((hint for pattern, hint in _COMMON if re.search(pattern, error, re.IGNORECASE)), "")

    def lost(self, error: str) -> bool:  # noqa: ARG002 - the dialect itself begins anew when a session is forgotten
        return False

    def _missing(self) -> str:
        return f"The program `{self._command}` is not on this machine."


def by_settings(name: str, settings: AcpSettings) -> AcpAgent:
    """The agent of a section of its own. Raises Invalid when it names no program."""
    if not settings.command:
        raise Invalid(f"[agents.{name}] says nothing of a program.", hint='Set `command = "..."` there to one that speaks ACP.')
    install = f"Install it, or set `command` in [agents.{name}] to where it is."
    login = f"Log in with `{settings.command}` in a terminal, or set its key in [agents.{name}.env]. Then send it again."
    return AcpAgent(Program(label=settings.label or name, command=settings.command, install=install, login=login), settings)


def _version(path: str, env: Mapping[str, str]) -> tuple[str, str]:
    """What the program says, or why it fails. One that only takes long is there all the same (these are slow to start)."""
    try:
        asked = subprocess.run(
            [path, "--version"],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=VERSION_SECONDS,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return "", ""
    except (OSError, subprocess.CalledProcessError, UnicodeDecodeError) as error:
        words = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
        return "", f"`{path} --version` fails: {words or error}"
    found = _VERSION.search(asked.stdout)
    return (found[0] if found else ""), ""
