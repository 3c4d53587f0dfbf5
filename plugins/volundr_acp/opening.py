"""How a conversation with an ACP agent begins: initialize, a login, a session new or old, the choices made before."""

import shutil
from collections.abc import Mapping, Sequence

from volundr.sdk import Job, Offered, Remarked, SlashCommand
from volundr_acp import menu, rpc
from volundr_acp.menu import Menu
from volundr_acp.rpc import NOTHING, Json

VERSION = 1
NO_FILES = {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False}
"""The agent works on the same disk, so it needs no files nor terminals of ours."""
LOST = "The agent no longer has the earlier conversation; it goes on without that memory."
_NAMES = ("initialize", "authenticate", "session/new", "session/load", "session/resume", "session/fork")


class Opening:
    """`session` is the agent's name of the session, `up` whether it can be spoken to, `failed` why it cannot be begun.

    `heard` collects what becomes known on the way; it is told in one piece at the end, so that a Skuld that ends meanwhile
    hears all of it again.
    """

    def __init__(self, job: Job, auth: str) -> None:
        self._job = job
        self._auth = auth
        self._capable: Json = NOTHING
        self._waiting: set[str] = set()
        self.session = job.native
        self.up = bool(job.native)
        self.menu = Menu()
        self.failed = ""
        self.notes: list[Remarked] = []
        self.commands: Sequence[SlashCommand] | None = None
        self.new = False

    @property
    def images(self) -> bool:
        """An agent that was begun by an earlier Skuld is taken at its word that images are offered at all."""
        return bool((self._capable.get("promptCapabilities") or NOTHING).get("image")) if self._capable else True

    def lines(self) -> Sequence[str]:
        info = {"name": "volundr", "title": "Volundr", "version": "1"}
        params = {"protocolVersion": VERSION, "clientCapabilities": NO_FILES, "clientInfo": info}
        return [rpc.request("initialize", "initialize", params)]

    def owns(self, name: str) -> bool:
        return name in _NAMES or name.startswith("start ")

    def again(self) -> str:
        """Once more from where it failed."""
        self.failed = ""
        return self._begin()

    def answered(self, name: str, said: Json) -> Sequence[str]:
        """What to send next; nothing more to come when `up` or `failed` is set."""
        error: Json | None = said.get("error")
        if name.startswith("start "):
            return self._chosen(name, error, said.get("result") or NOTHING)
        if error is not None:
            return self._refused(name, error)
        result: Json = said.get("result") or NOTHING
        if name == "initialize":
            return self._met(result)
        if name == "authenticate":
            return [self._begin()]
        return self._opened(name, result)

    def offered(self) -> Offered:
        offered = self.menu.offered()
        return Offered(models=offered.models, modes=offered.modes, thinking=offered.thinking, commands=self.commands)

    def _met(self, result: Json) -> Sequence[str]:
        if result.get("protocolVersion") != VERSION:
            self.failed = f"The agent speaks version {result.get('protocolVersion')} of ACP; Volundr speaks version {VERSION}."
            return ()
        self._capable = result.get("agentCapabilities") or {"promptCapabilities": {}}
        if self._auth and any(one.get("id") == self._auth for one in result.get("authMethods") or ()):
            return [rpc.request("authenticate", "authenticate", {"methodId": self._auth})]
        return [self._begin()]

    def _begin(self) -> str:
        can = self._capable.get("sessionCapabilities") or NOTHING
        if not self._job.resume:
            return self._request("session/new")
        if self._job.fork:
            ways = {"session/fork": can.get("fork") is not None}
        else:
            ways = {"session/resume": can.get("resume") is not None, "session/load": bool(self._capable.get("loadSession"))}
        way = next((way for way, possible in ways.items() if possible), "")
        if not way:
            self._note(LOST, "It cannot take up an earlier conversation.")
        return self._request(way or "session/new")

    def _request(self, method: str) -> str:
        params: Mapping[str, object] = {"cwd": str(self._job.cwd), "mcpServers": self._servers()}
        if method != "session/new":
            params = {"sessionId": self._job.resume, **params}
        return rpc.request(method, method, params)

    def _servers(self) -> Sequence[Json]:
        """The tool servers; without those at an address when the agent has no way to them, which is told."""
        found: list[Json] = []
        over_http = bool((self._capable.get("mcpCapabilities") or NOTHING).get("http"))
        for one in self._job.mcp_servers:
            if one.command:
                command = shutil.which(one.command, path=self._job.env.get("PATH")) or one.command
                found.append({"name": one.name, "command": command, "args": list(one.args), "env": _pairs(one.env)})
            elif over_http:
                found.append({"type": "http", "name": one.name, "url": one.url, "headers": _pairs(one.headers)})
            else:
                self._note(f"The agent cannot use the tool server {one.name!r}: it knows none that have an address.", "")
        return found

    def _refused(self, name: str, error: Json) -> Sequence[str]:
        """An agent that has forgotten a session begins another; one that wants a login keeps what it has."""
        known = name in ("session/load", "session/resume", "session/fork")
        if known and error.get("code") != rpc.AUTH_REQUIRED:
            self._note(LOST, rpc.words(error))
            return [self._request("session/new")]
        self.failed = rpc.words(error)
        return ()

    def _opened(self, name: str, result: Json) -> Sequence[str]:
        self.session = str(result.get("sessionId") or self._job.resume)
        self.new = name == "session/new"
        self.menu = menu.read(result, self.menu)
        lines = []
        for what, value in (("model", self._job.model), ("mode", self._job.mode), ("thinking", self._job.thinking)):
            if not value or value == self.menu.current.get(what):
                continue
            if what not in self.menu.options:
                self._note(f"The agent offers no choice of its {what}, so {value!r} is not in use.", "")
                continue
            request = f"start {what} {value}"
            self._waiting.add(request)
            lines.append(menu.change(request, self.session, what, value, self.menu.options[what]))
        self.up = not self._waiting
        return lines

    def _chosen(self, name: str, error: Json | None, result: Json) -> Sequence[str]:
        _, what, value = name.split(" ", 2)
        if error is not None:
            self._note(f"The agent does not take {value!r} as its {what}.", rpc.words(error))
        else:
            self.menu = menu.read(result, self.menu.using(what, value))
        self._waiting.discard(name)
        self.up = not self._waiting
        return ()

    def _note(self, text: str, detail: str) -> None:
        self.notes.append(Remarked(level="warning", text=text, detail=detail))


def _pairs(values: Mapping[str, str]) -> Sequence[Json]:
    return [{"name": name, "value": value} for name, value in values.items()]
