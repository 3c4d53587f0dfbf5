"""Routes that are loaded when somebody first asks for one of them.

Making a route costs a few milliseconds and some memory, and there are more than a hundred: what the first page of the web UI
needs is there at once, the rest when it is needed. A server loads everything before it takes requests.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from fastapi import APIRouter, FastAPI
from starlette.types import Receive, Scope, Send

from volundr.api.errors import PROBLEMS

type Load = Callable[[], Sequence[APIRouter]]

PREFIX = "/api/v1/"


class LateRoutes:
    """What the app's router asks when nothing matches a path. A path belongs to one module, so it is either here or there."""

    def __init__(self, app: FastAPI, late: Mapping[str, Load]) -> None:
        """`late`: the first part of a path (behind PREFIX, if it has that) → what loads its routers, which may take a while."""
        self._app = app
        self._late = dict(late)
        self._nothing = app.router.default
        self._turn = asyncio.Lock()
        self._routers: list[APIRouter] = []
        app.router.default = self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and await self._loaded(_first(scope["path"])):
            await self._app.router(scope, receive, send)
        else:
            await self._nothing(scope, receive, send)

    async def _loaded(self, first: str) -> bool:
        """Whether this call had to load something: then it is worth to look again. Others wait for it and look again too."""
        if first not in self._late:
            return False
        async with self._turn:
            if first in self._late:
                self._include(first, await asyncio.to_thread(self._late[first]))
        return True

    async def all(self) -> None:
        """Load everything that is not loaded yet, beside other work."""
        for first in list(self._late):
            await self._loaded(first)

    def all_now(self) -> None:
        """The same, before there is other work."""
        for first in list(self._late):
            self._include(first, self._late[first]())

    def _include(self, first: str, routers: Sequence[APIRouter]) -> None:
        for router in routers:
            if not any(router is known for known in self._routers):
                self._routers.append(router)
                self._app.include_router(router, responses=dict(PROBLEMS))
        del self._late[first]


def _first(path: str) -> str:
    return path.removeprefix(PREFIX).lstrip("/").partition("/")[0]
