"""The shim's socket: NDJSON, one request a line, one answer a line. See docs/reference/wire.md."""

import asyncio
import json
import logging
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from volundr.broker import keeper
from volundr.broker.shim.run import Run, Spawn
from volundr.process import Tasks

log = logging.getLogger(__name__)

LONGEST_REQUEST = 16 * 1024 * 1024
FORCED = 5.0
"""Seconds after a run's grace when its keeper itself is killed."""
SHUTDOWN_GRACE = 5.0


class Shim:
    """Owns the runs. Single-threaded on purpose: it forks."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], Run] = {}
        self._tasks = Tasks()
        self.over = asyncio.Event()

    async def answer(self, line: bytes) -> Mapping[str, Any]:
        """What a request line is answered with. Never raises for what somebody sent."""
        try:
            request = json.loads(line)
            match request:
                case {"op": "spawn"}:
                    return await self._spawn(_spawn(request))
                case {"op": "stop", "session": str(session), "run": str(run)}:
                    await self._stop(self._runs.get((session, run)), float(request.get("grace", SHUTDOWN_GRACE)))
                case {"op": "list"}:
                    return {"ok": True, "runs": [run.describe() for run in self._runs.values()]}
                case {"op": "shutdown"}:
                    await self.shutdown(float(request.get("grace", SHUTDOWN_GRACE)))
                case _:
                    return {"ok": False, "error": "The shim does not know this request."}
        except (KeyError, TypeError, ValueError) as error:
            return {"ok": False, "error": f"The shim cannot read this request: {error!r}"}
        except OSError as error:
            return {"ok": False, "error": f"The shim cannot start it: {error}"}
        return {"ok": True}

    async def shutdown(self, grace: float) -> None:
        async with asyncio.TaskGroup() as all_at_once:
            for run in self._runs.values():
                all_at_once.create_task(self._stop(run, grace), name=f"stop {run.spawn.run}")
        self.over.set()

    async def close(self) -> None:
        await self._tasks.close()

    def reap(self) -> None:
        """Wait for ended children; end those that a killed keeper left to us, and nobody else."""
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                for run in self._runs.values():
                    if run.keeper == ended:
                        run.keeper_gone()
        for stray in set(keeper.children()) - {run.keeper for run in self._runs.values()}:
            log.warning("process of a killed keeper is ended", extra={"pid": stray})
            with suppress(ProcessLookupError):
                os.kill(stray, signal.SIGKILL)

    async def _spawn(self, wanted: Spawn) -> Mapping[str, Any]:
        key = (wanted.session, wanted.run)
        if key in self._runs:
            return {"ok": False, "error": f"The run {wanted.run} exists already."}
        for run in [run for (session, _), run in self._runs.items() if session == wanted.session]:
            await self._stop(run, 0)  # two CLIs must never work on one conversation
            run.forget()
        run = self._runs[key] = Run(wanted)
        failure = "The run was not started."
        try:
            failure = await run.start()
        finally:
            if failure:
                del self._runs[key]
        if failure:
            return {"ok": False, "error": failure}
        self._tasks.spawn(self._serve(run), name=f"run {wanted.run}")
        return {"ok": True, **run.describe()}

    async def _serve(self, run: Run) -> None:
        try:
            await run.serve()
        finally:
            self._runs.pop((run.spawn.session, run.spawn.run), None)

    async def _stop(self, run: Run | None, grace: float) -> None:
        if run is None:
            return
        try:
            async with asyncio.timeout(grace + FORCED):
                await run.stop(grace)
        except TimeoutError:
            log.warning("keeper does not end its run", extra={"run": run.spawn.run})
            with suppress(ProcessLookupError):
                os.kill(run.keeper, signal.SIGKILL)
            await run.stop(0)


def _spawn(request: Mapping[str, Any]) -> Spawn:
    argv, env = request["argv"], request["env"]
    if not argv or not all(isinstance(word, str) for word in (*argv, *env, *env.values())):
        raise ValueError("argv must be a list of texts, env a table of texts")
    return Spawn(
        session=str(request["session"]),
        run=str(request["run"]),
        job=keeper.Job(argv=tuple(argv), env=dict(env), cwd=str(request["cwd"])),
        link=str(request["link"]),
        secret=str(request["secret"]),
    )


async def serve(socket: Path) -> None:
    """Serve until SIGTERM or a `shutdown` request, then end every run. SIGINT is for the forge and is ignored."""
    loop = asyncio.get_running_loop()
    shim = Shim()
    keeper.become_subreaper()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    loop.add_signal_handler(signal.SIGCHLD, shim.reap)
    ending = Tasks()
    loop.add_signal_handler(signal.SIGTERM, lambda: ending.spawn(shim.shutdown(SHUTDOWN_GRACE), name="shutdown"))

    clients: set[asyncio.StreamWriter] = set()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.add(writer)
        with suppress(ConnectionError, asyncio.LimitOverrunError, ValueError):
            while line := await reader.readline():
                writer.write(json.dumps(await shim.answer(line)).encode() + b"\n")
                await writer.drain()
        clients.discard(writer)
        writer.close()

    mask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(client, socket, limit=LONGEST_REQUEST)
    finally:
        os.umask(mask)
    log.info("shim listens", extra={"socket": str(socket)})
    await shim.over.wait()
    server.close()
    for writer in clients:
        writer.close()  # what was answered is still written
    await asyncio.sleep(0.05)
    socket.unlink(missing_ok=True)  # noqa: ASYNC240 - nobody else is served any more
    await shim.close()
    await ending.close()
