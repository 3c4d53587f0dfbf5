"""Counts every answer of the API by route, status and time until it began."""

from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from volundr.domain.metrics import Meter


class Metered:
    """Notes each answer. Time ends where the answer begins: a stream of events may last for days."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = perf_counter()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = scope.get("route")
                path = "" if route is None else route.path
                self._meter.note((scope["method"], path, str(message["status"])), perf_counter() - begun)
            await send(message)

        await self._app(scope, receive, noted)
