"""Notes every change that somebody asks for, done or refused."""

from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from volundr.api.security import SAFE, credentials
from volundr.domain.audit import AuditEntry, AuditLog
from volundr.domain.identity import Principal
from volundr.domain.tenants import DEFAULT

LOGIN = "/api/v1/login"
STRANGERS_MOST = 60
REFUSED = 400
_LONGEST = 500


class Audited:
    """Stands behind the door, so that it knows who asks. Brokers' reports are no person's changes and are left out, and so is
    what nobody asks who is not known, but for logins, and of those that fail no more than `STRANGERS_MOST` a minute: a stranger
    must not be able to fill the log."""

    def __init__(self, app: ASGIApp, audit: AuditLog | None) -> None:
        self._app = app
        self._audit = audit
        self._minute, self._strangers = 0, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        audit = self._audit
        if audit is None or scope["type"] != "http" or scope["method"] in SAFE:
            await self._app(scope, receive, send)
            return

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry = _entry(scope, message["status"])
                if entry is not None and (entry.actor or entry.status < REFUSED or self._few_strangers()):
                    audit.note(entry)
            await send(message)

        await self._app(scope, receive, noted)

    def _few_strangers(self) -> bool:
        minute = int(monotonic() // 60)
        self._strangers = 1 if minute != self._minute else self._strangers + 1
        self._minute = minute
        return self._strangers <= STRANGERS_MOST


def _entry(scope: Scope, status: int) -> AuditEntry | None:
    who: Principal | None = scope.get("state", {}).get("principal")
    if (who is None and scope["path"] != LOGIN) or (who is not None and who.kind == "pod"):
        return None
    route = scope.get("route")
    shown = credentials(scope["headers"], scope["path"])
    named = scope.get("path_params") or {}
    return AuditEntry(
        tenant_id=who.tenant_id if who else DEFAULT,
        actor=who.user_id if who else "",
        via=shown.kind if shown else "",
        action=f"{scope['method']} {route.path if route is not None else '(no such route)'}",
        subject=" ".join(f"{name}={value}" for name, value in named.items())[:_LONGEST].replace("\x00", ""),
        status=status,
        address=str((scope.get("client") or ("",))[0]),
    )
