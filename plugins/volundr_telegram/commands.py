"""The commands of the bot. Each returns what the chat is shown."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from volundr.sdk import Choose, Interrupt, Invalid, NotFound, Rejected, Seat, Sessions, Unavailable
from volundr_telegram.desk import Desk
from volundr_telegram.markup import escape, short
from volundr_telegram.memory import tag
from volundr_telegram.post import Post, Row
from volundr_telegram.survey import Survey, survey


@dataclass(frozen=True, slots=True)
class Order:
    """A command: for which chat, from whom, and what stands behind its name."""

    desk: Desk
    by: str
    argument: str


type Command = Callable[[Order], Awaitable[Post]]

MOST_BUTTONS = 30
SIGNS = {"working": "⚙️", "waiting": "❓", "idle": "💤", "starting": "⏳", "failed": "❌", "stopping": "⏹", "stopped": "⏹"}
HELP = """<b>Volundr</b>
What you write goes to the session of this chat. Reply to a question to answer it in words.
/sessions – choose the session
/use name – the same, by its name
/status – what the sessions do, what waits
/interrupt – end the running turn
/model – see and choose the model
/follow all – hear of all sessions; /follow current – of the chosen one, and of questions everywhere
Other commands go to the agent."""


class Commands:
    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._known: Mapping[str, Command] = {
            "start": self._help,
            "help": self._help,
            "sessions": self._list,
            "use": self._use,
            "status": self._status,
            "interrupt": self._interrupt,
            "model": self._model,
            "follow": self._follow,
        }

    def find(self, name: str) -> Command | None:
        return self._known.get(name.lower())

    @staticmethod
    def line(text: str) -> str:
        return escape(short(text, 1500))

    def current(self, desk: Desk) -> Seat | None:
        """The session of this chat: the chosen one, or the only one there is."""
        seats = self._sessions.seats()
        chosen = [seat for seat in seats if seat.session == desk.memory.current]
        if chosen or desk.memory.current:
            return chosen[0] if chosen else None
        return seats[0] if len(seats) == 1 else None

    def choose(self, words: str) -> Post:
        seats = self._sessions.seats()
        if not seats:
            return Post(html="No session runs now. Start one in the web UI.")
        rows: Sequence[Row] = [
            [(f"{SIGNS.get(seat.activity.state, '')} {short(seat.name, 40)}", f"u:{tag(seat.session)}")] for seat in seats
        ]
        return Post(html=words, buttons=rows[:MOST_BUTTONS])

    async def _help(self, _: Order) -> Post:
        return Post(html=HELP)

    async def _list(self, order: Order) -> Post:
        seat = self.current(order.desk)
        return self.choose(f"Sessions. This chat's: <b>{escape(seat.name)}</b>" if seat else "Choose the session of this chat:")

    async def _use(self, order: Order) -> Post:
        wanted = order.argument.casefold()
        seats = self._sessions.seats()
        found = [seat for seat in seats if seat.name.casefold() == wanted or seat.session == order.argument]
        found = found or [seat for seat in seats if wanted and seat.name.casefold().startswith(wanted)]
        if len(found) != 1:
            return self.choose("Which one?" if found else "No running session is called so. There is:")
        return self._taken(order.desk, found[0])

    async def use_tagged(self, order: Order) -> Post:
        return self._taken(order.desk, self._tagged(order.argument))

    def _taken(self, desk: Desk, seat: Seat) -> Post:
        desk.memory.current = seat.session
        return Post(html=f"What you write goes to <b>{escape(seat.name)}</b> now.")

    def _tagged(self, name: str) -> Seat:
        for seat in self._sessions.seats():
            if tag(seat.session) == name:
                return seat
        raise NotFound("This session does not run any more.")

    def _must(self, desk: Desk) -> Seat:
        seat = self.current(desk)
        if seat is None:
            raise Invalid("This chat has no session that runs.", hint="Choose one with /sessions.")
        return seat

    async def _status(self, order: Order) -> Post:
        seats, current = self._sessions.seats(), self.current(order.desk)
        if not seats:
            return Post(html="No session runs now.")
        parts = [_described(seat, await self._surveyed(seat), current) for seat in seats[:MOST_BUTTONS]]
        text = ""
        for number, part in enumerate(parts):
            if len(text) + len(part) > 3500:
                text += f"… and {len(seats) - number} more"
                break
            text += f"{part}\n"
        return Post(html=text)

    async def _surveyed(self, seat: Seat) -> Survey:
        try:
            return await survey(self._sessions, seat.session)
        except (NotFound, Unavailable):
            return Survey()

    async def _interrupt(self, order: Order) -> Post:
        seat = self._must(order.desk)
        answer = await self._sessions.say(seat.session, Interrupt(), order.by)
        return Post(html=self.line(answer.error if isinstance(answer, Rejected) else f"Interrupting {seat.name} …"))

    async def _model(self, order: Order) -> Post:
        seat = self._must(order.desk)
        if order.argument:
            return await self._choose_model(seat, order.by, order.argument)
        models = (await survey(self._sessions, seat.session)).models
        rows = [[(short(label, 40), f"m:{tag(seat.session)}:{tag(model)}")] for model, label in models[:MOST_BUTTONS]]
        hint = "" if rows else "\nThe agent offers no list; /model name asks for one."
        return Post(html=f"<b>{escape(seat.name)}</b>: {escape(seat.model or 'the usual model')}{hint}", buttons=rows)

    async def model_tagged(self, order: Order) -> Post:
        name, _, wanted = order.argument.partition(":")
        seat = self._tagged(name)
        for model, _ in (await survey(self._sessions, seat.session)).models:
            if tag(model) == wanted:
                return await self._choose_model(seat, order.by, model)
        raise NotFound("The agent does not offer this model any more.")

    async def _choose_model(self, seat: Seat, by: str, model: str) -> Post:
        answer = await self._sessions.say(seat.session, Choose(model=model), by)
        taken = f"{seat.name} uses {model} from its next turn on."
        return Post(html=self.line(f"❌ {answer.error}" if isinstance(answer, Rejected) else taken))

    async def _follow(self, order: Order) -> Post:
        if order.argument not in {"all", "current"}:
            return Post(html=f"This chat follows: {order.desk.memory.follow}. Say /follow all or /follow current.")
        order.desk.memory.follow = order.argument
        return Post(
            html=f"This chat follows {'all sessions' if order.argument == 'all' else 'its own session and all questions'} now."
        )


def _described(seat: Seat, found: Survey, current: Seat | None) -> str:
    mark = " ← this chat" if current and current.session == seat.session else ""
    state = f"{SIGNS.get(seat.activity.state, '')} {seat.activity.state}{_since(seat.activity.since)}"
    what = f": {short(seat.activity.what, 200)}" if seat.activity.what else ""
    cost = f", ${found.cost:.4f}" if found.cost is not None else ""
    waits = "".join(f"\n  waits: {escape(short(title, 200))}" for title in found.open.values())
    about = f"{seat.agent}{f', {seat.model}' if seat.model else ''}, {found.turns} turns{cost}"
    return f"<b>{escape(short(seat.name, 60))}</b>{mark}\n  {escape(state + what)}\n  {escape(about)}{waits}"


def _since(at: str) -> str:
    try:
        seconds = (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds()
    except (ValueError, TypeError):
        return ""
    return f" for {seconds / 60:.0f} min" if seconds >= 60 else f" for {max(seconds, 0):.0f} s"
