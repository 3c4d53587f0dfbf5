"""All sessions of one Skuld: started, found again, stopped and deleted."""

import asyncio
import json
import logging
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from pydantic import TypeAdapter

from volundr.broker import mounts
from volundr.broker.always import AlwaysRules
from volundr.broker.broker import Broker, Health, Parts
from volundr.broker.channels.channel import Channel
from volundr.broker.fork import fork
from volundr.broker.history import past, present
from volundr.broker.parts import Activity
from volundr.broker.preparation import SCRIPT_SECONDS
from volundr.broker.terminal.terminals import Access, Place, Terminals
from volundr.broker.transports.transport import Agent, CLITransport
from volundr.domain.errors import Invalid, NotFound, Unavailable, VolundrError
from volundr.domain.sessions.definition import SessionDefinition, complete
from volundr.domain.sessions.spec import SessionSpec

log = logging.getLogger(__name__)

AT_ONCE = 8
_SPEC = TypeAdapter(SessionSpec)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What sessions live in. `grace`: seconds an agent gets to end by itself. `environment`: put under each session's own.

    `setup_seconds`: what one setup script may take. `permission_seconds`: how long a question may stay unanswered before it
    is denied, 0 for ever. `home_files`: whether the agent's home folder can be looked at. `terminal` is `shell`, `command`
    (that of `terminal_command` alone) or `none`.
    """

    home: Path
    agents: Mapping[str, Agent]
    transport: Callable[[SessionSpec], CLITransport]
    definitions: Mapping[str, SessionDefinition] = field(default_factory=dict)
    permission_seconds: float = 0.0
    home_files: bool = False
    terminal: str = "shell"
    terminal_command: Sequence[str] = ()
    channels: Mapping[str, Channel] = field(default_factory=dict)
    grace: float = 5.0
    setup_seconds: float = SCRIPT_SECONDS
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


class ServiceManager:
    """The verbs are idempotent; those of one session take turns. What must live on is `sessions/<id>/spec.json`."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._folder = around.home / "sessions"
        self._always = AlwaysRules(around.home)
        self._brokers: dict[str, Broker] = {}
        self._failed: dict[str, Health] = {}
        self._turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._few = asyncio.Semaphore(AT_ONCE)
        self._changes = 1
        self._change = asyncio.Event()

    async def recover(self) -> None:
        """Go on with every session that was alive when Skuld ended. One that cannot be is failed, with its cause."""
        async with asyncio.TaskGroup() as group:
            for path in await asyncio.to_thread(lambda: sorted(self._folder.glob("*/spec.json"))):
                group.create_task(self._recover(path), name=f"recover {path.parent.name}")

    async def _recover(self, path: Path) -> None:
        name = path.parent.name
        async with self._turns[name], self._few:
            try:
                spec = await asyncio.to_thread(_read_spec, path)
                await self._open(spec, start=False)
            except (VolundrError, OSError, ValueError, TypeError, KeyError) as error:
                log.exception("session not recovered", extra={"session": name})
                hint = error.hint if isinstance(error, VolundrError) else ""
                self._failed[name] = Health(state="failed", error=str(error), hint=hint)

    async def start(self, spec: SessionSpec) -> None:
        """Run this session. Raises Invalid or Unavailable; then it is as it was."""
        name = spec.session_id
        async with self._turns[name]:
            await self._write(spec)
            await asyncio.to_thread(mounts.write, self._folder / name, spec)
            if name in self._brokers:
                self._brokers[name].again(self._complete(spec))
                return
            self._failed.pop(name, None)
            try:
                await self._open(spec, start=True)
            except BaseException:
                await asyncio.to_thread(self._forget, name)
                raise

    async def _open(self, spec: SessionSpec, *, start: bool) -> None:
        spec = self._complete(spec)
        agent = self._agent(spec)
        if spec.fork_of:
            await asyncio.to_thread(fork, self._folder, spec.fork_of, spec.session_id, spec.name)
        parts = Parts(
            folder=self._folder / spec.session_id,
            agent=agent,
            transport=self._around.transport(spec),
            always=self._always,
            rules_grew=self._rules_grew,
            setup_seconds=self._around.setup_seconds,
            terminals=Terminals(
                Place(
                    folder=spec.workspace,
                    env=spec.env,
                    access=_access(self._around.terminal),
                    command=self._around.terminal_command,
                )
            ),
        )
        self._brokers[spec.session_id] = await Broker.open(spec, parts, start=start)
        self._tell_change()

    def _agent(self, spec: SessionSpec) -> Agent:
        agent = self._around.agents.get(spec.agent)
        if agent is None:
            raise Invalid(f"There is no agent called {spec.agent!r}.", f"There is: {', '.join(sorted(self._around.agents))}.")
        if spec.transport not in agent.transports:
            raise Invalid(
                f"{agent.label} cannot be reached by the transport {spec.transport!r}.",
                hint=f"It can by: {', '.join(agent.transports)}.",
            )
        return agent

    def _complete(self, spec: SessionSpec) -> SessionSpec:
        """With what its definition says, and with the person's environment, which is not stored with the session."""
        full = complete(spec, self._around.definitions)
        env = mounts.placed(self._folder / spec.session_id, full.env)
        return replace(full, transport=full.transport or "shim", env={**self._around.environment, **env})

    async def stop(self, name: str) -> None:
        """Returns when the agent is gone and the log is on disk. Raises NotFound when there is no such session."""
        async with self._turns[name]:
            await self._stop(name)

    async def _stop(self, name: str) -> None:
        broker = self._brokers.get(name)
        if broker is None and self._failed.pop(name, None) is None:
            raise NotFound("Skuld has no such session.")
        if broker is not None:
            await broker.stop(self._around.grace)
            del self._brokers[name]
            self._tell_change()
        await asyncio.to_thread(self._forget, name)

    def _forget(self, name: str) -> None:
        """What it was started with: it holds keys."""
        self._spec_of(name).unlink(missing_ok=True)
        mounts.remove(self._folder / name)

    async def delete(self, name: str) -> None:
        """Stop it if it runs, and delete what Skuld keeps of it."""
        async with self._turns[name]:
            if name in self._brokers or name in self._failed:
                await self._stop(name)
            await asyncio.to_thread(shutil.rmtree, self._folder / name, ignore_errors=True)
        self._turns.pop(name, None)

    async def stop_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name in self.names():
                group.create_task(self._stop_quietly(name), name=f"stop {name}")

    async def _stop_quietly(self, name: str) -> None:
        try:
            await self.stop(name)
        except (VolundrError, OSError) as error:
            log.warning("session not stopped", extra={"session": name, "cause": str(error)})

    async def leave_all(self) -> None:
        """Skuld ends, agents go on: another Skuld will find them."""
        async with asyncio.TaskGroup() as group:
            for name, broker in self._brokers.items():
                group.create_task(broker.leave(1012, "Skuld is starting again."), name=f"leave {name}")
        self._brokers.clear()

    async def changed(self, seen: int) -> int:
        """Wait until a session began or ended since `seen`, which is 0 at first; returns what to wait with next time."""
        while self._changes == seen:
            await self._change.wait()
        return self._changes

    def _tell_change(self) -> None:
        self._changes += 1
        self._change.set()
        self._change = asyncio.Event()

    # --- looking ------------------------------------------------------------------------------------------------------

    def names(self) -> Sequence[str]:
        return [*self._brokers, *self._failed]

    def brokers(self) -> Collection[Broker]:
        """Those that run."""
        return self._brokers.values()

    def runs(self, name: str) -> bool:
        return name in self._brokers

    def find(self, name: str) -> Broker:
        """Raises NotFound."""
        try:
            return self._brokers[name]
        except KeyError:
            raise NotFound("This session does not run here.") from None

    def health(self, name: str) -> Health:
        return self._failed[name] if name in self._failed else self.find(name).health()

    def activity(self, name: str) -> Activity | None:
        return None if name in self._failed else self.find(name).journal.activity

    def lines(self, name: str, count: int) -> Sequence[str]:
        return (self._failed[name].error,) if name in self._failed else self.find(name).lines(count)

    async def history(self, name: str, before: int | None, limit: int) -> bytes:
        """A page of what was said and done, also of a session that does not run. Raises Unavailable."""
        if (broker := self._brokers.get(name)) is not None:
            journal = broker.journal
            return await present(journal.log, journal.stream.last_seq, before, limit)
        async with self._few:
            return await asyncio.to_thread(past, self._folder / name, before, limit)

    def _rules_grew(self, project: str) -> None:
        for broker in self._brokers.values():
            if broker.spec.project == project:
                broker.rules_grew()

    def _spec_of(self, name: str) -> Path:
        return self._folder / name / "spec.json"

    async def _write(self, spec: SessionSpec) -> None:
        try:
            await asyncio.to_thread(_write_spec, self._spec_of(spec.session_id), spec)
        except OSError as error:
            raise Unavailable(f"The session cannot be stored: {error.strerror}.", f"Is there room in {self._folder}?") from error


def _access(word: str) -> Access:
    match word:
        case "shell" | "command" | "none":
            return word
        case _:
            raise Invalid(f"sessions.terminal cannot be {word!r}.", hint="It is shell, command or none.")


def _write_spec(path: Path, spec: SessionSpec) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_suffix(".new")
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        json.dump(asdict(spec), out)
        out.flush()
        os.fsync(out.fileno())
    new.replace(path)


def _read_spec(path: Path) -> SessionSpec:
    known = {field.name for field in fields(SessionSpec)}
    found = json.loads(path.read_text(encoding="utf-8"))
    return _SPEC.validate_python({name: value for name, value in found.items() if name in known})
