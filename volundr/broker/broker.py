"""One session in Skuld: its log, its conversation, its agent's runs and the clients that look on."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from volundr.broker.always import AlwaysRules
from volundr.broker.attachments import Attachments
from volundr.broker.code.server import CodePlace, CodeServer
from volundr.broker.codec import Entry, encode
from volundr.broker.conversation import Conversation, Opened, Prompted, RulesGrew
from volundr.broker.events import Exited
from volundr.broker.frames import ActivityChanged, Attach, Choose, Decide, Diagnosis, Hello, Interrupt, Live, Rejected, Send
from volundr.broker.journal import Journal, Reply
from volundr.broker.log import Log
from volundr.broker.outbox import Outbox
from volundr.broker.parts import Activity, Rule
from volundr.broker.people import Doing, Said
from volundr.broker.preparation import SCRIPT_SECONDS, Preparation
from volundr.broker.records import ToolFinished, ToolStarted, TurnFinished, TurnStarted
from volundr.broker.recovery import Told, recover
from volundr.broker.report import News, Reporter, open_questions
from volundr.broker.runner import Link, Runner
from volundr.broker.stream import Client, Stream
from volundr.broker.terminal.terminals import Terminals
from volundr.broker.transports.transport import Agent, CLITransport
from volundr.broker.vitals import FINE
from volundr.domain.errors import NotFound, Unavailable, VolundrError
from volundr.domain.sessions.spec import SessionSpec
from volundr.domain.tickets import derive
from volundr.process import Tasks

log = logging.getLogger(__name__)

GOODBYE_SECONDS = 3.0

type Readiness = Literal["starting", "ready", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the pod manager asks for. `error` and `hint` are the agent's own words. `busy`: it does what has limits of its own."""

    state: Readiness
    step: str = ""
    error: str = ""
    hint: str = ""
    busy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a session is made of, besides its spec. `rules_grew` hears of rules kept for all sessions of a project.

    `setup_seconds` is what one setup script may take.
    """

    folder: Path
    agent: Agent
    transport: CLITransport
    always: AlwaysRules
    rules_grew: Callable[[str], None]
    terminals: Terminals
    setup_seconds: float = SCRIPT_SECONDS


class Broker:
    """Made by `open`; its last call is `stop` or `leave`."""

    def __init__(self, spec: SessionSpec, parts: Parts, log_file: Log, conversation: Conversation, told: Told) -> None:
        self.spec = spec
        self._preparation = Preparation(spec, parts.folder, (), complete=False)
        self._preparing: asyncio.Task[None] | None = None
        self._parts = parts
        self._told = told
        self.diagnosis = FINE
        self._tools: dict[str, tuple[str, float]] = {}
        self._reported: tuple[Activity, int, str, float | None, tuple[tuple[str, str], ...]] | None = None
        self._tasks = Tasks()
        report_secret = derive(spec.secret, "report")
        self._reporter = Reporter(spec.report_url, report_secret)
        self._outbox = Outbox(parts.folder, log_file, spec.report_url, report_secret)
        self.journal = Journal(
            log=log_file,
            conversation=conversation,
            stream=Stream(log_file, self._moment),
            shown=self._shown,
            settled=self._settled,
            seen=self._seen,
        )
        self.attachments = Attachments(parts.folder / "attachments")
        self.terminals = parts.terminals
        self.code = CodeServer(CodePlace(workspace=Path(spec.workspace), folder=parts.folder / "code", env=spec.env))
        self._runner = Runner(spec, Link(parts.agent, parts.transport, self.attachments, parts.folder), self.journal)

    @classmethod
    async def open(cls, spec: SessionSpec, parts: Parts, *, start: bool) -> Self:
        """Read the log and go on where it ends; with `start`, begin a run unless one lives. Raises Unavailable."""
        agent, told = parts.agent, Told()
        conversation = Conversation(
            epoch="",
            agent=spec.agent,
            model=spec.model,
            capabilities=agent.can(spec.transport),
            always=parts.always.of(spec.project),
            lost=agent.lost,
            hint=agent.hint,
        )
        preparation = await asyncio.to_thread(Preparation.read, spec, parts.folder, parts.setup_seconds)
        told.take(await asyncio.to_thread(preparation.printed))
        log_file = await asyncio.to_thread(recover, parts.folder, conversation, told)
        broker = cls(spec, parts, log_file, conversation, told)
        broker._preparation = preparation
        try:
            broker.begin(start=start)
        except BaseException:
            await broker.leave(1012, "This session could not be opened.")
            raise
        return broker

    def begin(self, *, start: bool) -> None:
        if self.spec.initial_prompt:
            self.journal.put(Prompted(text=self.spec.initial_prompt))
        prepared = self._preparation.state == "done"
        if prepared:
            self._open_run(start=start)
        name = self.spec.session_id
        self._tasks.spawn(self.journal.sync_forever(), name=f"sync {name}")
        self._tasks.spawn(self.journal.log.upkeep.run(), name=f"upkeep {name}")
        self._tasks.spawn(self._reporter.run(), name=f"report {name}")
        self._tasks.spawn(self._outbox.run(), name=f"outbox {name}")
        if prepared:
            self._runner.begin(self._tasks)
        else:
            self._prepare(start=start)
        self.journal.change()

    def _open_run(self, *, start: bool) -> None:
        state = self.journal.conversation.state
        if not state.alive and (start or not state.run):
            self.journal.put(Opened())

    def _prepare(self, *, start: bool) -> None:
        """Set the workspace up; the agent comes after that."""

        async def prepare() -> None:
            preparation = self._preparation
            if await preparation.run(lambda line: self._told.take([line])):
                try:
                    self._open_run(start=start)
                except Unavailable as error:
                    preparation.fail(error)
                else:
                    self._runner.begin(self._tasks)

        self._preparing = self._tasks.spawn(prepare(), name=f"prepare {self.spec.session_id}")

    def again(self, spec: SessionSpec) -> None:
        """The session is to run, with this spec from its next run on: an agent that ended is started."""
        self.spec = self._runner.spec = spec
        self.journal.conversation.model = spec.model
        self._reporter.aim(spec.report_url, derive(spec.secret, "report"))
        self._outbox.aim(spec.report_url, derive(spec.secret, "report"))
        self._reported = None
        match self._preparation.state:
            case "done":
                self.journal.put(Opened())
            case "failed":
                self._preparation.spec = spec
                self._prepare(start=True)
            case _:
                return

    async def stop(self, grace: float) -> None:
        """End the agent and the session: turn interrupted, sockets closed, log on disk."""
        self._enter("stopping")
        if self._preparing is not None:
            self._preparing.cancel()
            await asyncio.wait({self._preparing})
        about = {"session": self.spec.session_id}
        try:
            await self._runner.end(grace)
        except (TimeoutError, VolundrError) as error:
            log.warning("agent did not end as asked", extra=about | {"cause": str(error)})
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._runner.exited(Exited(code=None, wanted=True))
        except TimeoutError:
            log.warning("end of the run is not in the log", extra=about)
        self._enter("stopped")
        await asyncio.gather(self._reporter.flush(GOODBYE_SECONDS), self._outbox.flush(GOODBYE_SECONDS))
        await self.leave(1001, "This session was stopped.")

    def _enter(self, phase: Literal["stopping", "stopped"]) -> None:
        self.journal.conversation.state.phase = phase
        self.journal.change()

    async def leave(self, code: int, reason: str) -> None:
        """Let go of everything but the agent: another Skuld may go on with it."""
        clients = list(self.journal.stream.clients)
        for client in clients:
            client.close(code, reason)
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                for client in clients:
                    await client.gone.wait()
        except TimeoutError:
            log.info("clients left behind", extra={"session": self.spec.session_id})
        await self.code.close()
        await self.terminals.close(code, reason)
        await self._tasks.close()
        await asyncio.to_thread(self.journal.log.close)

    # --- people -------------------------------------------------------------------------------------------------------

    def attach(self, attach: Attach) -> Client:
        client = Client(self.journal.stream)
        client.attach(attach, self._hello())
        return client

    def say(self, frame: Doing, by: str, reply: Reply) -> None:
        """Take a client's frame; `reply` gets what is for this client alone."""
        state = self.journal.conversation.state
        asked = state.questions.get(frame.id) if isinstance(frame, Decide) and frame.scope == "always" else None
        try:
            files = self.attachments.find(frame.attachments) if isinstance(frame, Send) else ()
            self.journal.put(Said(frame=frame, by=by, attachments=files), reply)
        except (Unavailable, NotFound) as error:
            name = "" if isinstance(frame, Interrupt | Choose) else frame.id
            reply(Rejected(id=name, error=f"{error} {error.hint}".strip()))
            return
        if asked and isinstance(frame, Decide) and frame.decision == "allow" and asked.id not in state.questions:
            self._tasks.spawn(self._keep(asked.rules), name=f"keep rules {self.spec.session_id}")

    async def _keep(self, rules: Sequence[Rule]) -> None:
        try:
            await self._parts.always.add(self.spec.project, rules)
        except OSError as error:
            log.warning("rule not kept on disk", extra={"session": self.spec.session_id, "cause": str(error)})
        self._parts.rules_grew(self.spec.project)

    def rules_grew(self) -> None:
        self.journal.conversation.always = self._parts.always.of(self.spec.project)
        try:
            self.journal.put(RulesGrew())
        except Unavailable as error:
            log.info("open questions not answered by new rule", extra={"session": self.spec.session_id, "cause": str(error)})

    # --- what others see ----------------------------------------------------------------------------------------------

    def health(self) -> Health:
        state, setup = self.journal.conversation.state, self._preparation
        if setup.state == "failed":
            return Health(state="failed", error=setup.error, hint=setup.hint)
        if setup.state != "done":
            return Health(state="starting", step=setup.step or "Setting up", busy=True)
        if state.run_state == "failed":
            return Health(state="failed", error=state.error, hint=state.hint)
        if self._runner.up or state.run_state in {"ready", "exited"}:
            return Health(state="ready", step=self.journal.stuck)
        return Health(state="starting", step=f"Starting {self._parts.agent.label}")

    def lines(self, count: int) -> Sequence[str]:
        return self._told.last(count)

    def raw(self, count: int) -> Sequence[tuple[int, str]]:
        """What the agent printed last, as it came."""
        return self._runner.raw(count)

    async def agent_pid(self) -> int | None:
        """The agent's process, if it is known. Raises Unavailable."""
        return await self._runner.pid()

    def tool_running(self) -> tuple[str, float]:
        """The tool call that began last and has not ended: (title, when it began on the monotonic clock)."""
        return next(reversed(self._tools.values()), ("", time.monotonic()))

    def diagnosed(self, found: Diagnosis) -> None:
        """Tell everybody what the matter is, or that it is over."""
        if found != self.diagnosis:
            self.diagnosis = found
            self.journal.stream.publish([(0, encode(found))])

    def _hello(self) -> Hello:
        journal = self.journal
        return Hello(
            session=self.spec.session_id,
            epoch=journal.log.epoch,
            first_seq=1,
            last_seq=journal.stream.last_seq,
            agent=self.spec.agent,
            capabilities=journal.conversation.capabilities,
            activity=journal.conversation.state.activity,
            standing=journal.conversation.state.standing(),
        )

    def _moment(self) -> Sequence[Live]:
        state = self.journal.conversation.state
        found = [] if self.diagnosis == FINE else [self.diagnosis]
        return [*state.open_blocks(), *found, ActivityChanged(activity=state.activity)]

    def _seen(self, entry: Entry) -> None:
        self._told.note(entry)
        self._outbox.note(entry)
        match entry.record:
            case ToolStarted(id=tool, title=title):
                self._tools[tool] = (title, time.monotonic())
            case ToolFinished(id=tool):
                self._tools.pop(tool, None)
            case TurnStarted() | TurnFinished():
                self._tools.clear()
            case _:
                pass

    def _settled(self, run: str, line: int) -> None:
        self._runner.settled(run, line)

    def _shown(self) -> None:
        self._runner.wake()
        state, activity = self.journal.conversation.state, self.journal.activity
        about = (activity, state.messages, state.model, state.cost_usd, tuple(state.asked_at.items()))
        if about != self._reported:
            self._reported = about
            questions = open_questions(state.questions, state.asked_at)
            self._reporter.tell(
                News(
                    activity=activity,
                    messages=state.messages,
                    model=state.model,
                    cost_usd=state.cost_usd,
                    questions=questions,
                )
            )
