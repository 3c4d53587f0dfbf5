"""Who asks and what they may do: the implementations that the settings choose, and their defaults for a laptop and a server."""

from dataclasses import dataclass

from volundr.domain.identity import AuthorizationPort, IdentityPort
from volundr.domain.roles import AllowAll, RoleAuthorization
from volundr.local.identity import FileLogins, Keys, LocalIdentity
from volundr.registry import Adapters
from volundr.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """An implementation without settings of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What stands at the door of a forge."""

    identity: IdentityPort
    authorization: AuthorizationPort


def entry(settings: Settings, adapters: Adapters, keys: Keys, logins: FileLogins, *, server: bool) -> Entry:
    """Raises Invalid for a choice that nobody offers."""
    adapters.offer(IdentityPort, "local", Plain, lambda _: LocalIdentity(keys, logins))
    adapters.offer(AuthorizationPort, "allow-all", Plain, lambda _: AllowAll())
    adapters.offer(AuthorizationPort, "roles", Plain, lambda _: RoleAuthorization())
    who = settings.identity.use or "local"
    what = settings.authorization.use or ("roles" if server else "allow-all")
    return Entry(
        identity=adapters.one(IdentityPort, {**settings.identity.sections, "use": who}),
        authorization=adapters.one(AuthorizationPort, {**settings.authorization.sections, "use": what}),
    )
