"""What a turn of an ACP agent has cost."""

from collections.abc import Sequence

from volundr.sdk import Usage
from volundr_acp.rpc import NOTHING, Json


class Spending:
    """`total` is the conversation's cost when this run began to listen; None when it is not known."""

    def __init__(self, total: float | None) -> None:
        self._total = total
        self._cost: float | None = None

    def update(self, said: Json) -> None:
        """The agent tells the cost of the whole conversation so far."""
        match said.get("cost"):
            case {"amount": int() | float() as amount, "currency": "USD"}:
                self._cost = float(amount)
            case _:
                pass

    def of_turn(self, result: Json, model: str) -> Sequence[Usage]:
        cost, used = self._spent(), result.get("usage") or NOTHING
        given, written = int(used.get("inputTokens") or 0), int(used.get("outputTokens") or 0)
        read, kept = int(used.get("cachedReadTokens") or 0), int(used.get("cachedWriteTokens") or 0)
        if read and used.get("totalTokens") == given + written:  # this agent counts them within its input
            given = max(0, given - read - kept)
        if not any((given, written, read, kept, cost)):
            return ()
        return [Usage(model=model, input=given, output=written, cache_read=read, cache_write=kept, cost_usd=cost)]

    def _spent(self) -> float | None:
        before, now = self._total, self._cost
        if now is not None:
            self._total = now
        return None if before is None or now is None else round(max(0.0, now - before), 9)
