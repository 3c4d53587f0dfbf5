"""The way between a session and its agent's process: finds runs again, starts them, tells commands, listens."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from volundr.broker import mounts
from volundr.broker.attachments import Attachments
from volundr.broker.conversation import Delivered, Input
from volundr.broker.events import Answer, Command, Exited
from volundr.broker.journal import LEAST_PAUSE, LONGEST_PAUSE, Journal
from volundr.broker.runs import Vanished
from volundr.broker.transports.transport import PER_MESSAGE, Agent, CLITransport, Heard, Job
from volundr.domain.errors import Unavailable, VolundrError
from volundr.domain.sessions.spec import SessionSpec
from volundr.process import Tasks

log = logging.getLogger(__name__)

TELL_SECONDS = 30.0
OVER_SECONDS = 3.0
LAST_WORDS_SECONDS = 1.0
STARTING_PAUSE = 0.2
"""Between two attempts to tell an agent something that it cannot take before it is ready."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 15.0
"""Seconds before a run that follows one that failed."""


@dataclass(frozen=True, slots=True)
class Link:
    """What leads to a session's agent."""

    agent: Agent
    transport: CLITransport
    attachments: Attachments
    folder: Path


class Runner:
    """Looks at the conversation's state whenever `wake` is called, and does what it says must be done.

    `up`: the agent's process runs, as far as one can know. Nothing here decides anything.
    """

    def __init__(self, spec: SessionSpec, link: "Link", journal: Journal) -> None:
        self.spec = spec
        self.up = False
        self.agent = link.agent
        self._transport = link.transport
        self._attachments = link.attachments
        self._folder = link.folder
        self._journal = journal
        self._state = journal.conversation.state
        self._wake = asyncio.Event()
        self._over = asyncio.Event()
        self._run = self._state.run if self._state.alive else ""
        self._told = 0
        self._failures = 0

    def begin(self, tasks: Tasks) -> None:
        tasks.spawn(self._keep_at(self._carry), name=f"tell {self.spec.session_id}")
        tasks.spawn(self._keep_at(self._listen), name=f"hear {self.spec.session_id}")
        self.wake()

    def wake(self) -> None:
        """Look again, if there is anything to do. Called for every batch of events: most mean nothing here."""
        state = self._state
        untold = state.outstanding and next(reversed(state.outstanding)) > self._told
        if untold or state.run != self._run or self._failures:
            self._wake.set()

    def settled(self, run: str, line: int) -> None:
        """Lines are numbered anew in each run: what was settled of an earlier one says nothing about this one."""
        if run == self._run:
            self._transport.settled(line)

    def raw(self, count: int) -> Sequence[tuple[int, str]]:
        return self._transport.raw(count)

    async def pid(self) -> int | None:
        """The agent's process, if it runs on this machine and is known. Raises Unavailable."""
        return await self._transport.pid() if self.up else None

    async def end(self, grace: float) -> None:
        """End the agent's process, and wait until its last words are taken up. Raises VolundrError or TimeoutError."""
        async with asyncio.timeout(grace + 2 * OVER_SECONDS):
            await self._transport.stop(grace)
            if self.up:
                await self._over.wait()

    async def exited(self, event: Exited) -> None:
        """Take it that the run has ended so, whatever the agent itself says later."""
        self.up = False
        await self._journal.hear([Heard(0, event)], lambda _: False)

    async def _keep_at(self, work: Callable[[], Awaitable[None]]) -> None:
        """A session does not die of a fault in one of its parts."""
        while True:
            try:
                await work()
            except Exception:
                log.exception("session goes on after a fault", extra={"session": self.spec.session_id})
            await asyncio.sleep(LEAST_PAUSE)

    # --- listening ----------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        async for batch in self._transport.hear():
            await self._journal.hear(batch, self._is_deaf, self._run)

    def _is_deaf(self, heard: Heard) -> bool:
        """Whether this comes from a run that is not listened to any more. Sees every event before it counts."""
        if isinstance(heard.event, Exited):
            self.up = False
            self._over.set()
            self._failures += not heard.event.wanted
        return self._state.run != self._run

    # --- telling ------------------------------------------------------------------------------------------------------

    async def _carry(self) -> None:
        if self._run and not self.up and self._state.run == self._run and self._state.alive:
            await self._adopt()
        while True:
            await self._wake.wait()
            self._wake.clear()
            state = self._state
            if state.run_state == "starting" and state.run != self._run and not state.phase:
                await self._launch(state.run, self.job(state.resumed))
            if state.run_state == "ready":
                self._failures = 0
            for number in sorted(state.outstanding):
                if self.up and self._told < number <= self._journal.stream.last_seq:
                    await self._tell(number)

    async def _adopt(self) -> None:
        """Find the run that was there before Skuld was; keep looking while the shim does not answer."""
        state, pause = self._state, LEAST_PAUSE
        # Before it is ready its handshake may not be over, and the id is only what is resumed.
        native = state.native if state.run_state == "ready" else ""
        known = replace(self.job(state.resumed), native=native, spent=tuple(state.spent.values()))
        dialect = self.agent.dialect(known)
        while True:
            try:
                told = await self._transport.adopt(state.run, dialect, state.src)
                break
            except Unavailable as error:
                log.info("run not found yet", extra={"session": self.spec.session_id, "cause": str(error)})
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
        if told is None:
            await self._insist(Vanished())
            return
        self.up, self._told = True, told
        self._wake.set()
        for number, answer in state.answers():
            if number <= told:
                await self._insist(Delivered(id=answer.id))

    async def _launch(self, run: str, job: Job) -> None:
        """Start a run; a failure becomes the end of that run."""
        if self._failures > 1:
            await asyncio.sleep(min(FIRST_WAIT * 2 ** (self._failures - 2), LONGEST_WAIT))
        if self.up:
            await self._end_old_run()
        try:
            await self._journal.settle_now()
        except Unavailable as error:
            log.info("lines of the run before are kept", extra={"session": self.spec.session_id, "cause": str(error)})
        self._over.clear()
        self._run, self._told = run, 0
        try:
            launch = await asyncio.to_thread(self.agent.launch, job)
            await self._transport.start(run, launch, self.agent.dialect(job))
        except (VolundrError, OSError) as error:
            self._failures += 1
            hint = error.hint if isinstance(error, VolundrError) else ""
            await self.exited(Exited(code=1, error=str(error), hint=hint))
        else:
            self.up = not self._over.is_set()
            self._wake.set()

    async def _end_old_run(self) -> None:
        """The run before may still live, when its agent only said that it has forgotten the conversation."""
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._over.wait()
        except TimeoutError:
            await self.end(OVER_SECONDS)

    async def _tell(self, number: int) -> None:
        """Until the agent has it, or does not need it any more."""
        run, state, pause = self._run, self._state, LEAST_PAUSE
        while (command := state.outstanding.get(number)) is not None and state.run == run and state.alive:
            if await self._told_now(number, command):
                self._told = number
                if isinstance(command, Answer):
                    await self._insist(Delivered(id=command.id))
                return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE if state.run_state == "ready" else STARTING_PAUSE)

    async def _told_now(self, number: int, command: Command) -> bool:
        try:
            async with asyncio.timeout(TELL_SECONDS):
                await self._transport.tell(number, await self._attachments.fill(command))
        except (Unavailable, TimeoutError, OSError) as error:
            log.info("agent not told yet", extra={"session": self.spec.session_id, "number": number, "cause": str(error)})
            return False
        return True

    async def _insist(self, given: Input) -> None:
        """A fact, which the log has to take sooner or later."""
        pause = LEAST_PAUSE
        while True:
            try:
                self._journal.put(given)
            except Unavailable:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return

    def job(self, resume: str) -> Job:
        spec, state = self.spec, self._state
        return Job(
            session=spec.session_id,
            cwd=Path(spec.workspace),
            run=state.run,
            model=state.chosen.get("model", spec.model),
            mode=state.chosen.get("mode", spec.mode),
            thinking=state.chosen.get("thinking", spec.thinking),
            fork=bool(resume) and resume == state.forked_from,
            per_message=spec.transport == PER_MESSAGE,
            system_prompt=spec.system_prompt,
            resume=resume,
            env=spec.env,
            mcp_servers=tuple(mounts.servers(self._folder, spec.mcp_servers)),
            mcp_config=str(self._folder / mounts.FOLDER / mounts.SERVERS) if spec.mcp_servers else "",
        )
