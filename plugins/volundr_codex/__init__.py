"""Codex: OpenAI's `codex` program, driven over `codex app-server`, or with `codex exec` for each message."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from volundr.sdk import (
    Adapters,
    Agent,
    Capabilities,
    Dialect,
    Found,
    Job,
    Launch,
    Unavailable,
    hookimpl,
)
from volundr_codex import modes, program, servers, usage

VERSION_SECONDS = 4.5
INSTALL = "Install it with `npm install -g @openai/codex`, or set `command` in [agents.codex] to where it is."
ONCE = Capabilities(deltas=False, permissions=False, model=True, mode=True, thinking=True, fork=True, per_message=True)
_LOST = re.compile(r"no rollout found for thread|thread not found|conversation not found", re.IGNORECASE)
_HINTS: Sequence[tuple[str, str]] = (
    (r"not logged in|codex login|refresh token|missing environment variable",
     "Run `codex login` in a terminal, or set OPENAI_API_KEY (or what your provider's `env_key` names) in [agents.codex.env]."),
    (r"incorrect api key|invalid.?api.?key|\b401\b|unauthorized|authentication",
     "The account or API key is refused. Run `codex login` in a terminal, or check the key in [agents.codex.env]."),
    (r"insufficient_quota|exceeded your current quota|billing|credit", "The account has no credit left."),
    (r"usage limit|rate.?limit|\b429\b", "The account's limit is reached. Wait until it resets, or use another model."),
    (r"context window|context_length|too many tokens", "The conversation is too long for this model. Begin a new session."),
    (r"overloaded|at capacity|\b50[0234]\b", "The model's servers are busy. Try again in a minute."),
    (r"model.*(not found|not exist|not supported|not available)|model_not_found",
     "This model is not available to the account. Choose another one for the session."),
    (r"error sending request|connection (refused|reset|error)|dns|timed? ?out|stream disconnected|network|certificate",
     "The model's API cannot be reached. Check the network, a proxy (HTTPS_PROXY), and the provider in Codex's config.toml."),
    (r"config\.toml|failed to parse|invalid configuration", "Mend Codex's own configuration, ~/.codex/config.toml."),
    (r"bubblewrap|bwrap|landlock|sandbox", "Codex's sandbox does not work here. Install bubblewrap, or use mode `full-access`."),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CodexSettings:
    """`[agents.codex]`: the program if it is not `codex` on the PATH, more arguments and environment, the usual model."""

    command: str = ""
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    model: str = ""


class CodexAgent(Agent):
    """`CODEX_HOME` stays the person's own: login, configuration and conversations are shared with their terminal."""

    label = "Codex"
    capabilities = Capabilities(edited_input=True, steer=True, model=True, mode=True, thinking=True, images=True, fork=True)
    transports = ("shim", "stdio", "per_message")

    def __init__(self, settings: CodexSettings) -> None:
        self._settings = settings
        self._before: dict[str, usage.Tokens | None] = {}  # by session: what was used before its next process

    def can(self, transport: str) -> Capabilities:
        return ONCE if transport == "per_message" else self.capabilities

    def find(self, env: Mapping[str, str]) -> Found:
        command = self._settings.command or "codex"
        path = program.found(command, env)
        if not path:
            return Found(available=False, problem=f"The program `{command}` is not on this machine.", hint=INSTALL)
        try:
            asked = subprocess.run(
                [path, "--version"],
                env={**env, **self._settings.env},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=VERSION_SECONDS,
                check=True,
            )
        except subprocess.TimeoutExpired:
            problem = f"`{path} --version` does not answer."
            return Found(available=False, path=path, problem=problem, hint="Try it in a terminal.")
        except (OSError, subprocess.CalledProcessError, UnicodeDecodeError) as error:
            words = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else str(error)
            return Found(available=False, path=path, problem=f"`{path} --version` fails: {words or error}", hint=INSTALL)
        return Found(available=True, version=asked.stdout.strip().rpartition(" ")[2], path=path)

    def launch(self, job: Job) -> Launch:
        env = {name: value for name, value in job.env.items() if not name.startswith("VOLUNDR_")} | dict(self._settings.env)
        command = self._settings.command or "codex"
        path = program.found(command, env)
        if not path:
            raise Unavailable(f"The program `{command}` is not on this machine.", hint=INSTALL)
        mode = modes.checked(job.mode, alone=job.per_message)
        if not job.per_message:
            return Launch(argv=[path, "app-server", *self._settings.args], env=env, cwd=job.cwd)
        home = Path(env.get("CODEX_HOME") or Path(env.get("HOME") or "~").expanduser() / ".codex")
        self._before[job.session] = usage.last_sum(home, job.resume) if job.resume else usage.Tokens()
        words, values = servers.arguments(job.mcp_servers)
        return Launch(argv=[path, *self._once(job, mode, words), *self._settings.args], env={**env, **values}, cwd=job.cwd)

    def _once(self, job: Job, mode: str, tools: Sequence[str]) -> Sequence[str]:
        """`codex exec` for one prompt, which comes on stdin."""
        model = job.model or self._settings.model
        options = ["--json", "--skip-git-repo-check", "-s", modes.MODES[mode].sandbox, "-c", 'approval_policy="never"']
        if model:
            options += ["-m", model]
        if job.thinking:
            options += ["-c", f'model_reasoning_effort="{job.thinking}"']
        if job.system_prompt:
            options += ["-c", f"developer_instructions={_toml(job.system_prompt)}"]
        earlier = ("fork" if job.fork else "resume", job.resume) if job.resume else ()
        return ["exec", *options, *tools, *earlier, "-"]

    def dialect(self, job: Job) -> Dialect:
        model = job.model or self._settings.model
        if job.per_message:
            from volundr_codex.exec import ExecDialect

            before = self._before.pop(job.session, None if job.resume or job.native else usage.Tokens())
            return ExecDialect(replace(job, model=model), self.hint, before)
        from volundr_codex.app_server import AppServerDialect

        return AppServerDialect(job, model, self.hint, self.lost)

    def hint(self, error: str) -> str:
        return next((hint for pattern, hint in _HINTS if re.search(pattern, error, re.IGNORECASE)), "")

    def lost(self, error: str) -> bool:
        return _LOST.search(error) is not None


def _toml(text: str) -> str:
    """A TOML string on one line; its escapes are those of JSON."""
    return json.dumps(text)


@hookimpl
def volundr_adapters(adapters: Adapters) -> None:
    adapters.offer(Agent, "codex", CodexSettings, CodexAgent)
