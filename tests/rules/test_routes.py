"""Every route asks who is there and whether they may."""

from collections.abc import Iterator

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from volundr.api import security
from volundr.api.routes import routers
from volundr.broker import manage
from volundr.broker.routes import SESSION_ROUTERS, entry

OPEN = {
    ("POST", "/api/v1/login"),  # the one-time code is the proof
    ("DELETE", "/api/v1/login"),  # ends the caller's own login and nothing else
    ("GET", "/healthz"),
    ("GET", "/readyz"),
}


def calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls(inner)


def routes() -> Iterator[APIRoute]:
    for router in routers():
        for route in router.routes:
            assert isinstance(route, APIRoute)
            yield route


def decides(route: APIRoute) -> bool:
    return any(
        call is security.principal or getattr(call, "__qualname__", "").startswith(("allowed.<locals>", "session_for.<locals>"))
        for call in calls(route.dependant)
    )


def test_every_route_asks_for_a_principal_or_is_listed_as_open() -> None:
    undecided = {(method, route.path) for route in routes() for method in route.methods or () if not decides(route)}
    assert undecided == OPEN


def test_every_route_of_skulds_management_asks_for_its_key() -> None:
    open_routes = [
        r.path for r in manage.router.routes if isinstance(r, APIRoute) and manage.manager_of not in calls(r.dependant)
    ]
    assert open_routes == []


def test_every_route_of_a_session_in_skuld_asks_for_its_ticket() -> None:
    routes = [route for router in SESSION_ROUTERS for route in router.routes]
    open_ones = [r.path for r in routes if isinstance(r, APIRoute) and entry.broker_of not in calls(r.dependant)]
    assert routes
    assert not open_ones
