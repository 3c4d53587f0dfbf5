"""One session's frames as posts. No I/O: what it is given and what it returns is plain data."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from volundr_telegram import questions
from volundr_telegram.markup import escape, messages, short
from volundr_telegram.memory import Memory, tag
from volundr_telegram.post import Kind, Post

type Json = Mapping[str, Any]
type Show = Literal["all", "answers", "questions"]

MOST_TOOLS = 15
_SHOWN: Mapping[str, frozenset[Kind]] = {
    "all": frozenset({"text", "tools", "person", "question", "end"}),
    "answers": frozenset({"text", "question", "end"}),
    "questions": frozenset({"question"}),
}


def place(frame: Json) -> int:
    """The number of a record in the log, 0 for a live frame, which may name a record's."""
    return int(frame["seq"]) if "at" in frame else 0


class Teller:
    """Give it every frame in order. Records before the time `since` are not told, except for questions still open."""

    def __init__(self, session: str, memory: Memory, show: Show, since: str = "", *, quiet: bool = False) -> None:
        self.session, self.epoch, self._memory = session, "", memory
        self._show, self._since, self._quiet = show, since, quiet
        self._skipped: dict[str, Json] = {}
        self._tools: dict[str, str] = {}
        self._group = ""

    def take(self, frame: Json) -> Sequence[Post]:
        """What to show because of it: often nothing."""
        if frame["type"] == "hello":
            self.epoch = str(frame["epoch"])
        if place(frame) and str(frame["at"]) < self._since:
            self._pass_over(frame)
            return ()
        late = list(self._skipped.values()) if frame["type"] == "caught_up" else []
        self._skipped = {} if late else self._skipped
        posts = [post for one in [*late, frame] for post in self._told(one)]
        return [post for post in posts if post.kind in _SHOWN[self._show] or (post.kind == "end" and not post.silent)]

    def _pass_over(self, frame: Json) -> None:
        match frame["type"]:
            case "permission_raised":
                self._skipped[str(frame["id"])] = frame
            case "permission_decided" | "permission_closed":
                self._skipped.pop(str(frame["id"]), None)
            case _:
                pass

    def _told(self, frame: Json) -> Iterator[Post]:
        match frame:
            case {"type": "agent_message", "kind": "text", "parent": None, "text": str(text)}:
                yield from self._text(frame, text)
            case {"type": "tool_started", "parent": None}:
                yield from self._tool(frame)
            case {"type": "tool_finished", "id": str(tool), "ok": False} if tool in self._tools:
                self._tools[tool] = f"✗ {self._tools[tool].removeprefix('• ')}"
                yield self._post(frame, "tools", "\n".join(self._tools.values()), key=self._group)
            case {"type": "user_message", "text": str(text)}:
                who = f"<b>{escape(short(str(frame.get('by') or 'somebody'), 60))}</b>: "
                yield self._post(frame, "person", f"💬 {who}{escape(short(text, 500))}", origin=str(frame["id"]))
            case {"type": "permission_raised" | "permission_decided" | "permission_closed"}:
                yield from self._question(frame)
            case {"type": "turn_finished" | "agent_state" | "notice" | "chosen"}:
                yield from self._news(frame)
            case _:
                pass

    def _text(self, frame: Json, text: str) -> Iterator[Post]:
        parts = messages(text)
        for number, part in enumerate(parts, 1):
            post = self._post(frame, "text", part)
            post.seq -= number < len(parts)  # what was sent in part is sent again after a crash
            yield post

    def _tool(self, frame: Json) -> Iterator[Post]:
        if not self._group or len(self._tools) >= MOST_TOOLS:
            self._group, self._tools = f"t:{tag(self.session, self.epoch, str(frame['seq']))}", {}
        self._tools[str(frame["id"])] = f"• {escape(short(str(frame.get('title') or frame.get('name')), 120))}"
        yield self._post(frame, "tools", "\n".join(self._tools.values()), key=self._group)

    def _question(self, frame: Json) -> Iterator[Post]:
        name = tag(self.session, str(frame["id"]))
        if frame["type"] == "permission_raised":
            self._memory.ask(name, questions.question(self.session, frame))
            html, buttons = questions.shown(name, frame)
            yield self._post(frame, "question", html, key=f"q:{name}", buttons=buttons)
            return
        known = self._memory.questions.get(name)
        if known is None:
            return
        if frame["type"] == "permission_decided":
            html = questions.decided(known.title, frame)
        else:
            html = questions.closed(known.title, str(frame.get("reason", "")))
        known.decided = html
        moot = frame["type"] == "permission_decided" and not frame.get("by")
        yield self._post(frame, "question", html, key=f"q:{name}", only_edit=True, moot=moot)

    def _news(self, frame: Json) -> Iterator[Post]:
        match frame:
            case {"type": "turn_finished"}:
                yield self._post(frame, "end", _ended(frame), silent=frame.get("status") != "failed")
            case {"type": "agent_state", "state": "failed" | "exited", "error": str(error)} if error:
                yield self._post(frame, "end", _failed(f"The agent ended: {error}", str(frame.get("hint", ""))))
            case {"type": "notice", "level": "warning" | "error", "text": str(text)}:
                yield self._post(frame, "end", f"⚠️ {escape(short(text, 600))}", silent=True)
            case {"type": "chosen"}:
                given = ", ".join(f"{name}: {frame[name]}" for name in ("model", "mode", "thinking") if frame.get(name))
                by = f" ({frame['by']})" if frame.get("by") else ""
                yield self._post(frame, "person", f"⚙️ {escape(short(given + by, 200))}")
            case _:
                pass

    def _post(self, frame: Json, kind: Kind, html: str, **more: Any) -> Post:
        if kind != "tools":
            self._group, self._tools = "", {}
        loud = kind == "question" or (kind == "end" and not more.get("silent", False))
        silent = more.pop("silent", False) or kind in {"tools", "person"} or (self._quiet and not loud)
        seq = int(frame["seq"])
        return Post(html=html, kind=kind, silent=silent, session=self.session, epoch=self.epoch, seq=seq, **more)


def _ended(frame: Json) -> str:
    seconds = int(frame.get("duration_ms") or 0) / 1000
    costs = [usage["cost_usd"] for usage in frame.get("usage") or () if usage.get("cost_usd") is not None]
    facts = [f"{seconds:.0f} s"] if seconds >= 1 else []
    facts += [f"${sum(costs):.4f}"] if costs else []
    about = f" ({', '.join(facts)})" if facts else ""
    match frame.get("status"):
        case "failed":
            return _failed(f"The turn failed: {frame.get('error') or 'no cause given'}", str(frame.get("hint", "")))
        case "interrupted":
            return f"⏹ Interrupted{about}"
        case _:
            return f"✔️ Done{about}"


def _failed(what: str, hint: str) -> str:
    return f"❌ {escape(short(what, 1000))}" + (f"\n➡️ {escape(short(hint, 500))}" if hint else "")
