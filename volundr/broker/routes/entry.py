"""Who may use a session's routes: the bearer of a ticket for it."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import State

from volundr.broker.broker import Broker
from volundr.broker.channels.admission import Admission
from volundr.broker.manage import bearer
from volundr.broker.service_manager import ServiceManager


def admit(state: State, session_id: str, authorization: str) -> Broker:
    """The session, for who shows an unused ticket for it. Raises NotFound or Forbidden. `state` is that of Skuld's app."""
    manager: ServiceManager = state.manager
    admission: Admission = state.admission
    broker = manager.find(session_id)
    admission.admit(broker.spec.secret, session_id, bearer(authorization))
    return broker


def broker_of(request: Request, session_id: str) -> Broker:
    """The session of this path. Raises NotFound, or Forbidden unless the request bears an unused ticket for it."""
    return admit(request.app.state, session_id, request.headers.get("authorization", ""))


type Entered = Annotated[Broker, Depends(broker_of)]
