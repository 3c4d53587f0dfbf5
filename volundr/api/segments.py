"""Which routes a request is compared with: those of its resource alone, loaded when somebody first asks for one of them.

FastAPI compares a request with one route after the other, and making a route costs a few milliseconds and some memory; there
are more than a hundred. So each resource has a small router, found by the first parts of the path. What the web UI's first
page needs is made at the start, the rest when it is needed. A server makes all of them before it takes requests.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from volundr.api.errors import PROBLEMS

type Load = Callable[[], Sequence[APIRouter]]

PREFIX = "/api/v1/"
SESSION_PARTS = 3
"""`sessions/{id}/<what>`: what stands under a session has routers of its own."""


class Segments:
    """The default of an app's router, which has no routes itself."""

    def __init__(self, table: Mapping[str, Load], early: Collection[str], nothing: ASGIApp) -> None:
        """`table`: see `segment`. `early` are its keys that are needed at once; `nothing` answers what is in no segment."""
        self._table = table
        self._nothing = nothing
        self._turn = asyncio.Lock()
        self._made: dict[str, APIRouter] = {}
        for key in early:
            self._made[key] = together(table[key]())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = segment(scope["path"], self._table)
        router = self._made.get(key) or await self._make(key)
        await (router or self._nothing)(scope, receive, send)

    async def _make(self, key: str) -> APIRouter | None:
        if key not in self._table:
            return None
        async with self._turn:
            if key not in self._made:
                routers = await asyncio.to_thread(self._table[key])
                self._made[key] = together(routers)
        return self._made[key]

    def all(self) -> None:
        """Make what is not made yet."""
        for key in self._table:
            if key not in self._made:
                self._made[key] = together(self._table[key]())


def segment(path: str, table: Collection[str]) -> str:
    """The key of this path: its first part behind `/api/v1/` (or of the whole), or `sessions/<what>` where the table has that."""
    parts = path.removeprefix(PREFIX).lstrip("/").split("/", SESSION_PARTS)
    if parts[0] == "sessions" and len(parts) >= SESSION_PARTS and (key := f"sessions/{parts[2]}") in table:
        return key
    return parts[0]


def together(routers: Sequence[APIRouter]) -> APIRouter:
    """One router of these, whose document says what errors look like."""
    router = APIRouter(generate_unique_id_function=named)
    for one in routers:
        router.include_router(one, responses=dict(PROBLEMS), generate_unique_id_function=named)
    return router


def named(route: APIRoute) -> str:
    """The name of its function: every route has one of its own."""
    return route.name
