"""Claude Code: the `claude` program, driven over its stream-json protocol."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from volundr.sdk import (
    Adapters,
    Agent,
    Break,
    Capabilities,
    Choice,
    Command,
    Dialect,
    Found,
    Invalid,
    Job,
    Launch,
    Say,
    StreamJsonDialect,
    Unavailable,
    hookimpl,
)

VERSION_SECONDS = 4.5
INSTALL = "Install it with `npm install -g @anthropic-ai/claude-code`, or set `command` in [agents.claude] to where it is."
STREAM = ("-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose")
TALK = ("--include-partial-messages", "--replay-user-messages", "--permission-prompt-tool", "stdio")
QUIET = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
PRINT = ("--output-format", "stream-json", "--verbose", "--include-partial-messages")
BYPASS = "bypassPermissions"
MODES = {
    "default": "Ask before changes",
    "acceptEdits": "Edit files without asking",
    "plan": "Plan only",
    "auto": "Decide by itself what to ask",
    "dontAsk": "Deny what would be asked",
    BYPASS: "Never ask",
}
THINKING = (
    Choice(id="0", label="No thinking"),
    Choice(id="4000", label="Think", description="up to 4,000 tokens"),
    Choice(id="10000", label="Think hard", description="up to 10,000 tokens"),
    Choice(id="31999", label="Think hardest", description="up to 31,999 tokens"),
)
LOST = "No conversation found"
_HINTS: Sequence[tuple[str, str]] = (
    (r"not logged in|please run /login|/login|oauth token.*(expired|revoked)|invalid bearer token|authentication_error",
     "Run `claude` in a terminal and log in with /login, or set ANTHROPIC_API_KEY in [agents.claude.env]."),
    (r"invalid (x-)?api[- ]key|invalid_api_key|\b401\b",
     "The API key is refused. Check ANTHROPIC_API_KEY, or run `claude` in a terminal and log in with /login."),
    (r"credit balance|billing|insufficient.*(credit|quota|funds)",
     "The account has no credit left. Add credit, or log in with another account."),
    (r"usage limit|rate.?limit|\b429\b", "The account's limit is reached. Wait until it resets, or use another model."),
    (r"overloaded|\b529\b|\b503\b", "The model's servers are busy. Try again in a minute."),
    (r"enotfound|econnrefused|econnreset|etimedout|eai_again|fetch failed|connection error|network|certificate",
     "The model's API cannot be reached. Check the network, a proxy (HTTPS_PROXY), and ANTHROPIC_BASE_URL."),
    (r"root/sudo privileges", "Choose another permission mode: Claude Code does not skip permissions as root."),
    (r"model.*(not found|not exist|not available)|not_found_error.*model|issue with the selected model",
     "This model is not available to the account. Choose another one for the session."),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeSettings:
    """`[agents.claude]`: the program if it is not `claude` on the PATH, more arguments and environment, the usual model."""

    command: str = ""
    args: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    model: str = ""


ONCE = Capabilities(permissions=False, model=True, mode=True, fork=True, per_message=True)


class OncePerMessage(StreamJsonDialect):
    """`claude -p` for one prompt: the words come on stdin as plain text, and its end begins the turn."""

    def opening(self) -> Sequence[str]:
        super().opening()
        return ()

    def encode(self, command: Command) -> Sequence[str]:
        match command:
            case Say(messages=messages, attached=attached):
                files = [f"Attached file: {file.path}" for files in attached.values() for file in files]
                return "\n".join([*(text for _, text in messages), *files]).split("\n")
            case _:
                return ()

    def after(self, command: Command) -> Literal["", "close", "interrupt"]:
        match command:
            case Say():
                return "close"
            case Break():
                return "interrupt"
            case _:
                return ""


class ClaudeAgent(Agent):
    label = "Claude Code"
    capabilities = Capabilities(edited_input=True, steer=True, model=True, mode=True, thinking=True, images=True, fork=True)
    transports = ("shim", "stdio", "remote", "per_message")

    def can(self, transport: str) -> Capabilities:
        return ONCE if transport == "per_message" else self.capabilities

    def __init__(self, settings: ClaudeSettings) -> None:
        self._settings = settings

    def find(self, env: Mapping[str, str]) -> Found:
        program = self._settings.command or "claude"
        path = shutil.which(program, path=env.get("PATH"))
        if path is None:
            return Found(available=False, problem=f"The program `{program}` is not on this machine.", hint=INSTALL)
        try:
            asked = subprocess.run(
                [path, "--version"],
                env={**env, **self._settings.env, **QUIET},
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
        return Found(available=True, version=asked.stdout.split(" ")[0].strip(), path=path)

    def launch(self, job: Job) -> Launch:
        env = {name: value for name, value in job.env.items() if name != "CLAUDECODE" and not name.startswith("VOLUNDR_")}
        program = self._settings.command or "claude"
        path = shutil.which(program, path=env.get("PATH"))
        if path is None:
            raise Unavailable(f"The program `{program}` is not on this machine.", hint=INSTALL)
        if job.mode and job.mode not in MODES:
            raise Invalid(f"Claude Code has no permission mode {job.mode!r}. It has: {', '.join(MODES)}.")
        talk = ("-p", *PRINT) if job.per_message else (*STREAM, *TALK)
        fork = ("--fork-session",) if job.fork else ()
        chosen = {
            "--model": job.model or self._settings.model,
            "--permission-mode": job.mode,
            "--resume": job.resume,
            "--append-system-prompt": job.system_prompt,
            "--mcp-config": job.mcp_config,
        }
        options = [word for flag, value in chosen.items() if value for word in (flag, value)]
        argv = [path, *talk, *options, *fork, *self._settings.args]
        return Launch(argv=argv, env={**env, **self._settings.env, **QUIET}, cwd=job.cwd)

    def dialect(self, job: Job) -> Dialect:
        modes = [Choice(id=mode, label=label) for mode, label in MODES.items() if mode != BYPASS or job.mode == BYPASS]
        if job.per_message:
            return OncePerMessage(str(job.cwd), self.hint, modes=modes, spent=job.spent)
        return StreamJsonDialect(str(job.cwd), self.hint, modes=modes, thinking=THINKING, thinks=job.thinking, spent=job.spent)

    def hint(self, error: str) -> str:
        return next((hint for pattern, hint in _HINTS if re.search(pattern, error, re.IGNORECASE)), "")

    def lost(self, error: str) -> bool:
        return LOST in error


@hookimpl
def volundr_adapters(adapters: Adapters) -> None:
    adapters.offer(Agent, "claude", ClaudeSettings, ClaudeAgent)
