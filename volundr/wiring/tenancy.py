"""Tenants, people, their keys, and the quotas of tenants."""

from volundr.domain.roles import Role
from volundr.domain.tenants import DEFAULT, TenantQuota, TenantService
from volundr.domain.users import AccessTokens, User, UserService
from volundr.local.accounts import first_admin, new_token
from volundr.store.account_keys import AccountKeyStore
from volundr.store.tenants import TenantStore
from volundr.store.users import UserStore
from volundr.wiring.ground import Ground, Part

LOCAL = "local"


def part(ground: Ground) -> Part:
    tenants, users, keys = TenantStore(ground.db), UserStore(ground.db), AccountKeyStore(ground.db)

    async def first_people() -> None:
        """A server's first administrator, or the one person of a laptop."""
        await tenants.ensure_default()
        if ground.server:
            await first_admin(users, keys, ground.settings.home / "admin-token")
        else:
            await users.provision(User(id=LOCAL, name="You", tenant_id=DEFAULT), Role.ADMIN)

    return Part(
        services={
            TenantService: TenantService(tenants),
            UserService: UserService(users),
            AccessTokens: AccessTokens(keys, new_token),
        },
        gates=(TenantQuota(tenants),),
        prepare=(first_people,),
    )
