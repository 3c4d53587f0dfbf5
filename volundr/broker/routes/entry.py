"""Who may use a session's routes: the bearer of a ticket for it."""

from typing import Annotated

from fastapi import Depends, Request

from volundr.broker.broker import Broker
from volundr.broker.channels.admission import Admission
from volundr.broker.manage import bearer
from volundr.broker.service_manager import ServiceManager


def broker_of(request: Request, session_id: str) -> Broker:
    """The session of this path. Raises NotFound, or Forbidden unless the request bears an unused ticket for it."""
    manager: ServiceManager = request.app.state.manager
    admission: Admission = request.app.state.admission
    broker = manager.find(session_id)
    admission.admit(broker.spec.secret, session_id, bearer(request.headers.get("authorization", "")))
    return broker


type Entered = Annotated[Broker, Depends(broker_of)]
