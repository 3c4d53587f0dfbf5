"""What each role may do. The one table of all actions: a route that names another action does not start."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from volundr.domain.identity import AuthorizationPort, Principal, Resource


class Role(StrEnum):
    """A person's part in a tenant, and so in every tenant below it."""

    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"


_READ_BY_ALL = (
    "session chronicle event stat model git profile template preset prompt tenant mcp_server integration tracker resource "
    "workspace permission retention system budget"
)
_WRITTEN_BY_DEVELOPERS = "session chronicle git preset prompt credential integration tracker workspace permission access_token"
_FOR_ADMINS = "user member tenant tenant_credential secret setting audit budget profile template model retention"


def _table() -> dict[str, frozenset[Role]]:
    everybody, developers, admins = frozenset(Role), frozenset({Role.ADMIN, Role.DEVELOPER}), frozenset({Role.ADMIN})
    table = {f"{noun}.{verb}": admins for noun in _FOR_ADMINS.split() for verb in ("read", "write")}
    table |= {f"{noun}.read": everybody for noun in _READ_BY_ALL.split()}
    table |= {f"{noun}.{verb}": developers for noun in _WRITTEN_BY_DEVELOPERS.split() for verb in ("read", "write")}
    table |= {f"{noun}.read": everybody for noun in _READ_BY_ALL.split()}
    return table | {
        "access_token.read": everybody,
        "access_token.write": everybody,
        "session.connect": developers,
        "session.report": frozenset(),  # a pod's own
        "system.metrics": admins,
        "system.folders": admins,  # the folders of the machine that the forge runs on
        "owner.all": admins,  # to see and end what others in the tenant have
    }


ACTIONS: Mapping[str, frozenset[Role]] = _table()
"""Action → the roles that may do it, to what is their own or their tenant's. Only admins reach what another person owns."""


def may(principal: Principal, action: str, resource: Resource | None = None) -> bool:
    """The built-in policy, pure. Roles hold in the tenant that the principal acts in and nowhere else."""
    roles = ACTIONS[action]
    if principal.kind == "pod":
        return action == "session.report" and resource is not None and resource.id == principal.session_id
    if principal.suspended or not roles.intersection(principal.roles):
        return False
    if resource is None:
        return True
    if resource.tenant_id != principal.tenant_id:
        return False
    return resource.owner_id in {"", principal.user_id} or Role.ADMIN in principal.roles


class RoleAuthorization(AuthorizationPort):
    """Roles, as the table says."""

    async def allows(self, principal: Principal, action: str, resource: Resource | None = None) -> bool:
        return may(principal, action, resource)


class AllowAll(AuthorizationPort):
    """For a machine with one person: they may do everything, a pod may report about its own session."""

    async def allows(self, principal: Principal, action: str, resource: Resource | None = None) -> bool:
        return principal.kind == "user" or may(principal, action, resource)


def check_roles(roles: Sequence[str]) -> frozenset[Role]:
    """Raises ValueError for a word that is no role."""
    return frozenset(Role(role) for role in roles)
