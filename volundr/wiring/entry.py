"""Who asks and what they may do: the implementations that the settings choose, and their defaults for a laptop and a server."""

from collections.abc import Callable
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


def offer(adapters: Adapters, local: Callable[[], IdentityPort]) -> None:
    """What there is without a plugin."""
    adapters.offer(IdentityPort, "local", Plain, lambda _: local())
    adapters.offer(AuthorizationPort, "allow-all", Plain, lambda _: AllowAll())
    adapters.offer(AuthorizationPort, "roles", Plain, lambda _: RoleAuthorization())


def chosen(settings: Settings, *, server: bool) -> tuple[str, str]:
    """The names of the identity and of the authorization."""
    return settings.identity.use or "local", settings.authorization.use or ("roles" if server else "allow-all")


def entry(settings: Settings, adapters: Adapters, keys: Keys, logins: FileLogins, *, server: bool) -> Entry:
    """Raises Invalid for a choice that nobody offers."""
    offer(adapters, lambda: LocalIdentity(keys, logins))
    who, what = chosen(settings, server=server)
    return Entry(
        identity=adapters.one(IdentityPort, {**settings.identity.sections, "use": who}),
        authorization=adapters.one(AuthorizationPort, {**settings.authorization.sections, "use": what}),
    )
