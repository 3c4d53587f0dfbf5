"""The dialect of `codex app-server`: JSON-RPC without its version member, one object a line, requests in both directions.

Ids of our requests say what they were for, so that a fresh instance understands the answer to what an earlier one sent.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from volundr.sdk import (
    Adjust,
    AgentEvent,
    Answer,
    Attached,
    Break,
    Choice,
    Command,
    Dialect,
    Job,
    Offered,
    Ready,
    Remarked,
    Say,
    SlashCommand,
    Steer,
    TurnEnded,
    Untaken,
)
from volundr_codex import modes, questions, servers
from volundr_codex.thread import Thread

type Json = Mapping[str, Any]

LONGEST_DETAIL = 2048
FORGOTTEN = "The agent no longer has the earlier conversation; it goes on without that memory."
UNKNOWN_METHOD = -32601
NO_TURN = "no-turn"
"""In place of a turn's id: Codex refuses it in its own words, and the answer is a line to react to."""
RUNNING = {"limit": 1, "itemsView": "notLoaded"}
CLIENT = {"name": "volundr", "title": "Volundr", "version": "1"}


class AppServerDialect(Dialect):
    """`lost` tells whether an error means that the conversation to resume is gone: then a new one is begun at once."""

    def __init__(self, job: Job, model: str, hint: Callable[[str], str], lost: Callable[[str], bool]) -> None:
        self._job = job
        self._model = model
        self._hint = hint
        self._lost = lost
        self._thread = Thread(cwd=str(job.cwd), hint=hint, native=job.native)
        self._out: list[str] = []
        self._kept: list[Say | Steer | Adjust | Break] = []  # told before there was a conversation
        self._sought: list[Steer | Break] = []  # told before it was known which turn runs
        self._opening = not job.native
        self._behind = bool(job.native)  # began in the middle, and has not asked what an earlier instance knew
        self._starting = False  # a turn was asked for, and its id has not come yet
        self._breaking = False  # … and is to end as soon as it has
        self._ready = Ready(native=job.native)
        self._adjusting: dict[str, Adjust] = {}
        self._late = 0  # how many of Codex's own words about changes that hold are still to come
        self._levels: dict[str, Sequence[Choice]] = {}
        self._usual: dict[str, str] = {}
        self._skills: dict[str, str] = {}
        self._answers: Mapping[str, Callable[[str, Json], Sequence[AgentEvent]]] = {
            "open": self._opened,
            "thread": self._threaded,
            "models": self._modelled,
            "skills": self._skilled,
            "adjust": self._adjusted,
            "find": self._found,
            "read": self._read,
        }

    # --- to the agent -------------------------------------------------------------------------------------------------

    def opening(self) -> Sequence[str]:
        params = {"clientInfo": CLIENT, "capabilities": {"experimentalApi": True}}
        return [_request("open", "initialize", params)]

    def replies(self) -> Sequence[str]:
        lines, self._out = self._out, []
        return lines

    def encode(self, command: Command) -> Sequence[str]:
        match command:
            case Answer():
                return self._answer(command)
            case _ if not self._thread.native:
                return self._keep(command)
            case Say(messages=messages):
                return [self._say(command)] if messages else []
            case Steer() | Break():
                return self._in_turn(command)
            case Adjust():
                return [self._adjust(command)]

    def _keep(self, command: Say | Steer | Adjust | Break) -> Sequence[str]:
        """Until there is a conversation, which is asked for again if that had failed."""
        self._kept.append(command)
        if self._opening:  # a line all the same: what was written is what Skuld, begun anew, knows to have told
            return [_request("kept", "thread/loaded/list", {})]
        self._opening = True
        return [self._open_thread(resume=self._job.resume)]

    def _say(self, command: Say) -> str:
        ids = [name for name, _ in command.messages]
        parts = [part for name, text in command.messages for part in self._parts(text, command.attached.get(name, ()))]
        self._starting = True
        client = self._thread.said(ids)
        return self._ask(f"turn {client}", "turn/start", {"clientUserMessageId": client, "input": parts})

    def _parts(self, text: str, attached: Sequence[Attached]) -> Sequence[Json]:
        """Images as such; other files are named. `/skill words` calls a skill, which Codex writes with a dollar sign."""
        word, _, rest = text.partition(" ")
        path = self._skills.get(word[1:]) if word.startswith("/") else None
        skill: list[Json] = []
        if path is not None:
            text = f"${word[1:]} {rest}".rstrip()
            skill.append({"type": "skill", "name": word[1:], "path": path})
        images: list[Json] = [{"type": "localImage", "path": one.path} for one in attached if one.data]
        named = [f"Attached file: {one.path}" for one in attached if not one.data]
        return [{"type": "text", "text": "\n".join([text, *named])}, *skill, *images]

    def _in_turn(self, command: Steer | Break) -> Sequence[str]:
        """For the running turn. Codex wants to be told which: asked for after Skuld began in the middle."""
        match command:
            case Break() if self._starting and not self._thread.turn:
                self._breaking = True
                return []
            case Steer() if self._starting and not self._thread.turn:
                self._sought.append(command)
                return []
            case _ if self._thread.turn is None:
                self._sought.append(command)
                return [self._ask("find", "thread/turns/list", RUNNING)]
            case Break(number=number):
                return [self._ask(f"break {number}", "turn/interrupt", {"turnId": self._thread.turn or NO_TURN})]
            case Steer(message=(name, text), attached=attached):
                self._thread.steered(name)
                turn, parts = self._thread.turn or NO_TURN, self._parts(text, attached)
                params = {"expectedTurnId": turn, "clientUserMessageId": name, "input": parts}
                return [self._ask(f"steer {name}", "turn/steer", params)]

    def _adjust(self, command: Adjust) -> str:
        params: dict[str, Any] = {"model": command.model, "effort": command.thinking}
        if (mode := modes.MODES.get(command.mode or "")) is not None:
            params |= {"approvalPolicy": mode.approval, "sandboxPolicy": mode.policy}
        given = {name: value for name, value in params.items() if value}
        self._adjusting[str(command.number)] = command
        return self._ask(f"adjust {command.number}", "thread/settings/update", given)

    def _answer(self, command: Answer) -> Sequence[str]:
        """Codex takes no words with a refusal: they follow in the turn, so that the model knows why."""
        lines = [_line(id=command.native["request"], result=questions.result(command))]
        words = command.message if command.decision == "deny" else ""
        if questions.replaced(command):
            words = f"Do not do that. Do this instead: {json.dumps(command.input, ensure_ascii=False)}"
        if words and self._thread.turn:
            params = {"expectedTurnId": self._thread.turn, "input": [{"type": "text", "text": words}]}
            lines.append(self._ask("note", "turn/steer", params))
        return lines

    def _open_thread(self, *, resume: str) -> str:
        job, mode = self._job, modes.MODES[modes.checked(self._job.mode)]
        params: dict[str, Any] = {"cwd": str(job.cwd), "approvalPolicy": mode.approval, "sandbox": mode.sandbox}
        if self._model:
            params["model"] = self._model
        if job.system_prompt:
            params["developerInstructions"] = job.system_prompt
        config = servers.overrides(job.mcp_servers)
        if job.thinking:
            config["model_reasoning_effort"] = job.thinking
        if config:
            params["config"] = config
        if not resume:
            return _request("thread", "thread/start", params)
        method = "thread/fork" if job.fork else "thread/resume"
        return _request("thread", method, {**params, "threadId": resume, "excludeTurns": True})

    def _ask(self, name: str, method: str, params: Json) -> str:
        return _request(name, method, {"threadId": self._thread.native, **params})

    # --- from the agent -----------------------------------------------------------------------------------------------

    def decode(self, line: str) -> Sequence[AgentEvent]:
        if not line or line.isspace():
            return ()
        if self._behind:
            self._behind = False
            self._out += self._catch_up()
        try:
            said = json.loads(line)
            if "method" not in said:
                return self._response(said)
            return self._request(said) if "id" in said else self._notified(str(said["method"]), said.get("params") or {})
        except (ValueError, RecursionError):
            text = "The agent printed a line that cannot be read."
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            text = f"The agent printed something unexpected ({type(error).__name__}: {error})."
        return [Remarked(level="warning", text=text[:LONGEST_DETAIL], detail=line[:LONGEST_DETAIL])]

    def _request(self, said: Json) -> Sequence[AgentEvent]:
        if said["method"] in questions.KNOWN:
            return self._thread.asked(said)
        what = str(said["method"])
        self._out.append(_line(id=said["id"], error={"code": UNKNOWN_METHOD, "message": f"Volundr does not offer {what}."}))
        return [Remarked(level="warning", text=f"The agent asked for {what}, which Volundr does not offer.")]

    def _notified(self, method: str, given: Json) -> Sequence[AgentEvent]:
        match method:
            case "thread/settings/updated" if given["threadId"] == self._thread.native:
                self._late = max(0, self._late - 1)
                return () if self._late else self._is(given["threadSettings"], "sandboxPolicy", "effort")
            case "skills/changed":
                self._out.append(self._list_skills())
                return ()
            case "turn/started" if given.get("threadId") == self._thread.native:
                self._thread.turn, self._thread.middle = str(given["turn"]["id"]), False
                self._begun()
                return ()
            case "turn/completed" if given.get("threadId") == self._thread.native:
                return [*self._never_began(), *self._thread.notified(method, given)]
            case _:
                return self._thread.notified(method, given)

    def _begun(self) -> None:
        """The running turn is known: what was for it can be told. (Before `turn/started` Codex refuses it.)"""
        self._starting = False
        if self._breaking:
            self._breaking = False
            self._out.append(self._ask("break", "turn/interrupt", {"turnId": self._thread.turn}))
        self._pass_on()

    def _pass_on(self) -> None:
        sought, self._sought = self._sought, []
        for command in sought:
            self._out += self._in_turn(command)

    def _never_began(self) -> Sequence[AgentEvent]:
        """No turn is to come any more for what waited for it."""
        self._starting = self._breaking = False
        sought, self._sought = self._sought, []
        return [Untaken(id=one.message[0]) for one in sought if isinstance(one, Steer)]

    def _response(self, said: Json) -> Sequence[AgentEvent]:
        kind, _, name = str(said["id"]).partition(" ")
        if "error" in said:
            return self._refused(kind, name, str(said["error"].get("message") or "Codex gave no cause."))
        reader = self._answers.get(kind)
        return reader(name, said["result"]) if reader is not None else ()

    def _refused(self, kind: str, name: str, error: str) -> Sequence[AgentEvent]:
        match kind:
            case "thread" if self._job.resume and self._lost(error):
                self._out.append(self._open_thread(resume=""))
                return [Remarked(level="warning", text=FORGOTTEN, detail=error)]
            case "open" | "thread":
                return self._unopened(error)
            case "turn":
                return [*self._never_began(), TurnEnded(status="failed", error=error, hint=self._hint(error))]
            case "break" if not self._thread.turn and not self._starting:
                return [TurnEnded(status="interrupted")]
            case "steer" | "find":
                return self._thread.untaken(name) if kind == "steer" else self._found("", {"data": []})
            case _:
                text = "The agent refused a request of Volundr."
                known = kind in ("adjust", "models", "skills")
                return [Remarked(level="warning", text=text, detail=error[:LONGEST_DETAIL])] if known else ()

    def _unopened(self, error: str) -> Sequence[AgentEvent]:
        """No conversation can be begun. The process lives: the next message tries again."""
        kept, self._kept, self._opening = self._kept, [], False
        events: list[AgentEvent] = [Ready(), *(Untaken(id=one.message[0]) for one in kept if isinstance(one, Steer))]
        if any(isinstance(one, Say) for one in kept):
            return [*events, TurnEnded(status="failed", error=error, hint=self._hint(error))]
        return [*events, Remarked(level="error", text=error[:LONGEST_DETAIL], detail=self._hint(error))]

    def _opened(self, _: str, __: Json) -> Sequence[AgentEvent]:
        self._out += [_line(method="initialized"), self._open_thread(resume=self._job.resume)]
        self._out += [_request("models", "model/list", {}), self._list_skills()]
        return ()

    def _catch_up(self) -> Sequence[str]:
        find = self._ask("find", "thread/turns/list", RUNNING)
        return [self._ask("read", "thread/read", {}), find, _request("models", "model/list", {}), self._list_skills()]

    def _read(self, _: str, given: Json) -> Sequence[AgentEvent]:
        self._thread.model = self._thread.model or str(given["thread"].get("model") or "")
        return ()

    def _list_skills(self) -> str:
        return _request("skills", "skills/list", {"cwds": [str(self._job.cwd)]})

    def _threaded(self, _: str, given: Json) -> Sequence[AgentEvent]:
        self._thread.native, self._thread.turn = str(given["thread"]["id"]), ""
        events = self._is(given, "sandbox", "reasoningEffort")
        kept, self._kept, self._opening = self._kept, [], False
        for command in kept:
            self._out += self.encode(command)
        return [*events, Offered(modes=modes.choices())]

    def _adjusted(self, name: str, _: Json) -> Sequence[AgentEvent]:
        """It holds. What Codex says about it itself may come before or after this, or not at all."""
        asked, known = self._adjusting.pop(name, Adjust(number=0)), self._ready
        mode = asked.mode if asked.mode in modes.MODES else known.mode
        model, thinking = asked.model or known.model, asked.thinking or known.thinking
        events = self._now(Ready(native=self._thread.native, model=model, mode=mode or "", thinking=thinking))
        self._late += bool(events)
        return events or [self._ready]

    def _is(self, given: Json, policy: str, effort: str) -> Sequence[AgentEvent]:
        """Who the agent is now, and how much it can think if that is another model's business now."""
        model = str(given["model"])
        mode = modes.named(given.get("approvalPolicy"), given.get(policy) or {})
        thinking = str(given.get(effort) or self._usual.get(model, ""))
        return self._now(Ready(native=self._thread.native, model=model, mode=mode, thinking=thinking))

    def _now(self, ready: Ready) -> Sequence[AgentEvent]:
        known, self._ready = self._ready, ready
        self._thread.model = ready.model
        if not self._levels and known.model:
            self._out.append(_request("models", "model/list", {}))
        events: list[AgentEvent] = [ready] if known != ready else []
        if ready.model != known.model and self._levels:
            events.append(Offered(thinking=self._levels.get(ready.model, ())))
        return events

    def _modelled(self, _: str, given: Json) -> Sequence[AgentEvent]:
        models = [one for one in given["data"] if not one.get("hidden")]
        for one in models:
            self._usual[str(one["model"])] = str(one.get("defaultReasoningEffort") or "")
            self._levels[str(one["model"])] = [
                Choice(
                    id=str(level["reasoningEffort"]), label=str(level["reasoningEffort"]), description=str(level["description"])
                )
                for level in one.get("supportedReasoningEfforts") or []
            ]
        choices = [
            Choice(id=str(one["model"]), label=str(one["displayName"]), description=str(one.get("description") or ""))
            for one in models
        ]
        current = self._ready
        events: list[AgentEvent] = [
            Offered(models=choices, thinking=self._levels.get(current.model, ()) if current.model else None)
        ]
        if current.model and not current.thinking and self._usual.get(current.model):
            self._ready = Ready(
                native=current.native, model=current.model, mode=current.mode, thinking=self._usual[current.model]
            )
            events.append(self._ready)
        return events

    def _skilled(self, _: str, given: Json) -> Sequence[AgentEvent]:
        skills = [one for entry in given["data"] for one in entry["skills"] if one.get("enabled", True)]
        self._skills = {str(one["name"]): str(one["path"]) for one in skills}
        commands = [
            SlashCommand(
                name=str(one["name"]), description=str(one.get("shortDescription") or one.get("description") or ""), kind="skill"
            )
            for one in skills
        ]
        return [Offered(commands=commands)]

    def _found(self, _: str, given: Json) -> Sequence[AgentEvent]:
        """Which turn runs, for what had to wait for it."""
        if self._thread.turn is None:
            running = [one for one in given["data"] if one["status"] == "inProgress"]
            self._thread.turn = str(running[0]["id"]) if running else ""
        if not self._starting:
            self._pass_on()
        return ()


def _request(name: str, method: str, params: Json) -> str:
    return _line(id=name, method=method, params=params)


def _line(**what: object) -> str:
    return json.dumps(what, separators=(",", ":"))
