"""Who asks and what they may do: the implementations that the settings choose, and their defaults for a laptop and a server."""

from collections.abc import Callable
from dataclasses import dataclass

from volundr.domain.identity import AuthorizationPort, IdentityPort
from volundr.domain.logins import Logins
from volundr.domain.roles import AllowAll, RoleAuthorization
from volundr.local.accounts import AccountLogins, AccountsIdentity
from volundr.local.identity import FileLogins, Keys, LocalIdentity
from volundr.registry import Adapters
from volundr.settings import Settings
from volundr.store.account_keys import AccountKeyStore
from volundr.wiring.ground import Ground

LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """An implementation without settings of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What stands at the door of a forge. `logins` are those of the identity that was chosen."""

    identity: IdentityPort
    authorization: AuthorizationPort
    logins: Logins


def offer(adapters: Adapters, local: Callable[[], IdentityPort], accounts: Callable[[], IdentityPort]) -> None:
    """What there is without a plugin."""
    adapters.offer(IdentityPort, LOCAL, Plain, lambda _: local())
    adapters.offer(IdentityPort, "accounts", Plain, lambda _: accounts())
    adapters.offer(AuthorizationPort, "allow-all", Plain, lambda _: AllowAll())
    adapters.offer(AuthorizationPort, "roles", Plain, lambda _: RoleAuthorization())


def chosen(settings: Settings, *, server: bool) -> tuple[str, str]:
    """The names of the identity and of the authorization."""
    who, what = ("accounts", "roles") if server else (LOCAL, "allow-all")
    return settings.identity.use or who, settings.authorization.use or what


def entry(ground: Ground, keys: Keys, logins: FileLogins) -> Entry:
    """Raises Invalid for a choice that nobody offers. `logins` are those of one's own machine."""
    settings, adapters, accounts = ground.settings, ground.adapters, AccountKeyStore(ground.db)
    offer(adapters, lambda: LocalIdentity(keys, logins), lambda: AccountsIdentity(accounts, keys))
    who, what = chosen(settings, server=ground.server)
    return Entry(
        identity=adapters.one(IdentityPort, {**settings.identity.sections, "use": who}),
        authorization=adapters.one(AuthorizationPort, {**settings.authorization.sections, "use": what}),
        logins=logins if who == LOCAL else AccountLogins(accounts),
    )
