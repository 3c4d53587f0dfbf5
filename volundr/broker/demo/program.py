"""`volundr demo-agent`: reads stream-json on stdin and behaves like an agent, turn after turn."""

import argparse
import asyncio
import json
import os
import re
import stat
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from volundr.broker.demo import offers, tools
from volundr.broker.demo.requests import TOOLS, Step, understand
from volundr.broker.demo.wire import Message, Wire

WORD_PAUSE = 0.02
MODEL = "demo"
LONGEST_LINE = 64 * 1024 * 1024
_NO_TOKENS = {"inputTokens": 0, "outputTokens": 0, "cacheReadInputTokens": 0, "cacheCreationInputTokens": 0, "costUSD": 0}

type Json = Mapping[str, Any]


class Failed(Exception):
    """A scripted failure of the turn."""


@dataclass(slots=True)
class Memory:
    """The person's messages and the kept permissions of one conversation, in a file: resuming really remembers."""

    file: Path
    said: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def save(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps({"said": self.said}), "utf-8")
        new.replace(self.file)


class Demo:
    def __init__(self, wire: Wire, memory: Memory, mode: str, model: str = "") -> None:
        self._wire = wire
        self._memory = memory
        self._mode = mode or "default"
        self._model = model or MODEL
        self._thinks = False
        self._queue: list[tuple[str, str]] = []
        self._more = asyncio.Event()
        self._turn: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    async def run(self, lines: asyncio.StreamReader) -> int:
        """Until stdin ends; a running turn is finished first, without permissions that nobody can give any more."""
        async with asyncio.TaskGroup() as tasks:
            turns = tasks.create_task(self._turns(tasks), name="demo turns")
            while line := await lines.readline():
                if line.strip():
                    self._take(json.loads(line))
            self._wire.nobody_answers()
            await self._idle.wait()
            turns.cancel()
        return 0

    def _take(self, said: Json) -> None:
        match said:
            case {"type": "user", "message": {"content": content}}:
                text = content if isinstance(content, str) else "\n".join(str(block.get("text", "")) for block in content)
                self._queue.append((str(said.get("uuid") or ""), text))
                self._idle.clear()
                self._more.set()
            case {"type": "control_request", "request_id": request_id, "request": request}:
                self._wire.put(type="control_response", response={"request_id": request_id, **self._control(request)})
            case {"type": "control_response", "response": response}:
                self._wire.answered(response)
            case _:
                pass

    def _control(self, request: Json) -> Json:
        if error := offers.refusal(request):
            return {"subtype": "error", "error": error}
        match request:
            case {"subtype": "interrupt"} if self._turn is not None:
                self._turn.cancel()
            case {"subtype": "initialize"}:
                return {"subtype": "success", "response": offers.initialized(os.getpid())}
            case {"subtype": "set_model", "model": str(model)}:
                self._model = model
            case {"subtype": "set_permission_mode", "mode": str(mode)}:
                self._mode = mode
            case {"subtype": "set_max_thinking_tokens", "max_thinking_tokens": int(tokens)}:
                self._thinks = tokens > 0
            case _:
                pass
        return {"subtype": "success", "response": {}}

    async def _turns(self, tasks: asyncio.TaskGroup) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            messages, self._queue = self._queue, []
            self._turn = tasks.create_task(self._one(messages), name="demo turn")
            await asyncio.wait([self._turn])
            self._turn = None
            if not self._queue:
                self._idle.set()

    async def _one(self, messages: Sequence[tuple[str, str]]) -> None:
        begun, text = time.monotonic(), "\n".join(text for _, text in messages)
        names = [str(command["name"]) for command in offers.COMMANDS]
        about = {"model": self._model, "permissionMode": self._mode, "slash_commands": names, "skills": list(offers.SKILLS)}
        self._wire.put(type="system", subtype="init", cwd=os.getcwd(), tools=[], **about)
        for uuid, message in messages:
            replayed = {"role": "user", "content": [{"type": "text", "text": message}]}
            self._wire.put(
                type="user", message=replayed, isReplay=True, parent_tool_use_id=None, **({"uuid": uuid} if uuid else {})
            )
        outcome: dict[str, Any] = {"subtype": "success", "is_error": False, "terminal_reason": "completed"}
        try:
            steps = understand(text, self._memory.said)
            if self._thinks:
                steps = [Step("think", "Somebody wants me to think about this first, so I do."), *steps]
            self._memory.said.append(text)
            self._memory.save()
            await self._work(steps)
        except asyncio.CancelledError:
            outcome = {"subtype": "error_during_execution", "is_error": True, "terminal_reason": "aborted_streaming"}
        except Failed as error:
            outcome = {"subtype": "success", "is_error": True, "result": str(error), "terminal_reason": "completed"}
        duration = int((time.monotonic() - begun) * 1000)
        self._wire.put(
            type="result", duration_ms=duration, num_turns=1, modelUsage={self._model: _NO_TOKENS}, total_cost_usd=0, **outcome
        )

    async def _work(self, steps: Sequence[Step]) -> None:
        """One message of the agent for each tool call and what was said before it."""
        message = Message(self._wire, self._model)
        for step in steps:
            if step.kind in TOOLS:
                await self._use(message, step)
                message.end()
                message = Message(self._wire, self._model)
            else:
                await self._speak(message, step)
        message.end()

    async def _speak(self, message: Message, step: Step) -> None:
        argument = step.argument
        match step.kind:
            case "slow" if re.fullmatch(r"\d+( [\d.]+)?", argument):
                count, _, pause = argument.partition(" ")
                await message.text([f"word{index} " for index in range(int(count))], float(pause or 0.1))
            case "text" | "slow":
                await message.text(_words(argument), self._pause)
            case "think":
                await message.text(_words(argument), WORD_PAUSE, "thinking")
            case "flood":
                await message.text([f"word{index} " for index in range(int(argument))], 0)
            case "hang":
                await asyncio.sleep(float(argument))
            case "crash":
                sys.stderr.write("The demo agent crashes, as it was told.\n")
                sys.stderr.flush()
                os._exit(int(argument or 1))
            case "error":
                raise Failed(argument or "The demo fails, as it was told.")
            case _:
                pass

    @property
    def _pause(self) -> float:
        return WORD_PAUSE * (offers.SLOWER if self._model == "demo-slow" else 1)

    async def _use(self, message: Message, step: Step) -> None:
        if step.kind == "todo":
            await self._go_through(message, step.argument)
            return
        tool, given = _call(step)
        tool_id = message.tool(tool, given)
        if tool == "Read":
            result = await asyncio.to_thread(tools.read, given["file_path"])
        elif tool in ("AskUserQuestion", "ExitPlanMode"):
            result = await self._with_a_word(tool, given, tool_id)
        elif self._mode == "plan":
            result = tools.failed("In plan mode nothing is changed.")
        else:
            result = await self._with_permission(tool, given, tool_id)
        self._wire.tool_result(tool_id, result.text, ok=result.ok, twin=result.twin)

    async def _go_through(self, message: Message, argument: str) -> None:
        """A list of tasks, told anew as each of them is done."""
        names = [name.strip() for name in argument.split(";") if name.strip()]
        for done in range(len(names) + 1):
            states = ["completed"] * done + ["in_progress"] + ["pending"] * len(names)
            todos = [{"content": name, "status": state, "activeForm": name} for name, state in zip(names, states, strict=False)]
            tool_id = message.tool("TodoWrite", {"todos": todos})
            self._wire.tool_result(tool_id, "The list is kept.", ok=True, twin={"newTodos": todos})
            message.end()
            await asyncio.sleep(self._pause * 10)
            message = Message(self._wire, self._model)

    async def _with_a_word(self, tool: str, given: Json, tool_id: str) -> tools.Result:
        """Ask a person something, or for their approval of a plan."""
        answer = await self._wire.ask(tool, given, tool_id, [])
        if answer.get("behavior") != "allow":
            return tools.failed(str(answer.get("message") or "The user says no."))
        for update in answer.get("updatedPermissions") or ():
            self._mode = str(update.get("mode") or self._mode)
        if tool == "ExitPlanMode":
            self._mode = "default" if self._mode == "plan" else self._mode
            return tools.Result(ok=True, text="The plan is approved.", twin={"plan": given.get("plan", "")})
        answers = (answer.get("updatedInput") or {}).get("answers") or {}
        text = "; ".join(f"{question} {choice}" for question, choice in answers.items()) or "No answer was given."
        return tools.Result(ok=True, text=text, twin={"answers": answers})

    async def _with_permission(self, tool: str, given: Json, tool_id: str) -> tools.Result:
        subject = given["command"] if tool == "Bash" else given["file_path"]
        rule = {"toolName": tool, "ruleContent": subject}
        if json.dumps(rule) not in self._memory.allowed and self._mode not in ("acceptEdits", "bypassPermissions"):
            suggestion = {"type": "addRules", "rules": [rule], "behavior": "allow", "destination": "localSettings"}
            answer = await self._wire.ask(tool, given, tool_id, [suggestion])
            if answer.get("behavior") != "allow":
                return tools.failed(str(answer.get("message") or "The user says no."))
            given = answer.get("updatedInput") or given
            for update in answer.get("updatedPermissions") or ():
                self._memory.allowed += [json.dumps(kept) for kept in update.get("rules") or ()]
        if tool == "Bash":
            return await tools.run(given["command"])
        return await asyncio.to_thread(tools.write, given["file_path"], given["content"])


def _call(step: Step) -> tuple[str, Json]:
    """The tool and its input, shaped as Claude Code's."""
    if step.kind == "bash":
        return "Bash", {"command": step.argument}
    if step.kind == "read":
        return "Read", {"file_path": step.argument}
    if step.kind == "plan":
        return "ExitPlanMode", {"plan": step.argument}
    if step.kind == "ask":
        question, _, labels = step.argument.partition("::")
        options = [{"label": label.strip(), "description": ""} for label in (labels or "Yes | No").split("|")]
        asked = {"question": question.strip(), "header": "Demo", "options": options, "multiSelect": False}
        return "AskUserQuestion", {"questions": [asked]}
    name, _, content = step.argument.partition("::")
    return "Write", {"file_path": name.strip(), "content": content.strip() + "\n"}


def _words(text: str) -> Sequence[str]:
    return re.findall(r"\S+\s*|\s+", text)


def _memory(state: Path, resume: str) -> tuple[str, Memory] | None:
    """The conversation to go on with, or a new one; None when the one to resume is not there."""
    if not resume:
        session = str(uuid4())
        return session, Memory(state / f"{session}.json")
    if re.fullmatch(r"[0-9a-f-]{36}", resume) is None:
        return None
    file = state / f"{resume}.json"
    try:
        return resume, Memory(file, json.loads(file.read_text("utf-8"))["said"])
    except (OSError, ValueError, KeyError):
        return None


def _forked(state: Path, origin: str) -> tuple[str, Memory] | None:
    """A new conversation that remembers another one, which may be kept beside this session's or in another session's folder."""
    if re.fullmatch(r"[0-9a-f-]{36}", origin) is None:
        return None
    for folder in (state, *state.parent.parent.glob(f"*/{state.name}")):
        if (known := _memory(folder, origin)) is not None:
            session = str(uuid4())
            memory = Memory(state / f"{session}.json", known[1].said)
            memory.save()
            return session, memory
    return None


def _flags(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="volundr demo-agent", description="A demo agent without a model.", allow_abbrev=False)
    parser.add_argument("--model", default="")
    parser.add_argument("--permission-mode", default="", dest="mode")
    parser.add_argument("--resume", default="")
    parser.add_argument("--fork-of", default="", help="begin with what was said in this conversation")
    parser.add_argument("--state", default="", type=str, help="folder for the transcripts")
    return parser.parse_known_args(arguments)[0]


async def _main(arguments: Sequence[str]) -> int:
    flags = _flags(arguments)
    state = Path(flags.state or Path.home() / ".local" / "state" / "volundr-demo")
    found = await asyncio.to_thread(_forked, state, flags.fork_of) if flags.fork_of else _memory(state, flags.resume)
    if found is None:
        wire = Wire(flags.resume)
        text = f"No conversation found with session ID: {flags.resume or flags.fork_of}"
        wire.put(type="result", subtype="error_during_execution", is_error=True, num_turns=0, errors=[text])
        sys.stderr.write(text + "\n")
        return 1
    session, memory = found
    return await Demo(Wire(session), memory, flags.mode, flags.model).run(await _stdin())


async def _stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LONGEST_LINE)
    kind = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind) or os.isatty(0)):
        reader.feed_data(await asyncio.to_thread(sys.stdin.buffer.read))  # a file, which no event loop can wait for
        reader.feed_eof()
    else:
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def run(arguments: Sequence[str]) -> int:
    try:
        return asyncio.run(_main(arguments))
    except (BrokenPipeError, KeyboardInterrupt):
        return 0
