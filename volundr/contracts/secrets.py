"""What every SecretManager, SecretRepository and SecretInjectionPort must do."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from volundr.domain.errors import Changed, Invalid, NotFound
from volundr.domain.paging import PageRequest
from volundr.domain.secrets import SecretInjectionPort, SecretManager, SecretRepository
from volundr.domain.sessions.model import Options, Session

VALUE = "canary-0b5d of the contract"
"""What no answer, error or text about a secret may hold."""


def session(*names: str, owner: str = "ada", tenant: str = "harbor") -> Session:
    """One that was given these credentials."""
    return Session(name="s", agent="demo", owner_id=owner, tenant_id=tenant, options=Options(credentials=names))


class SecretManagerContract(ABC):
    """`opened` holds no secret."""

    @abstractmethod
    def opened(self, folder: Path) -> AbstractAsyncContextManager[SecretManager]: ...

    def play(self, folder: Path, scenario: Callable[[SecretManager], Awaitable[None]]) -> None:
        async def main() -> None:
            async with self.opened(folder) as manager:
                await scenario(manager)

        asyncio.run(main())

    def test_a_secret_is_told_of_without_its_values(self, tmp_path: Path) -> None:
        async def scenario(manager: SecretManager) -> None:
            kept = await manager.put("harbor", "search", {"token": VALUE, "user": VALUE}, "for search", None)
            assert (kept.name, kept.keys, kept.note) == ("search", ("token", "user"), "for search")
            page = await manager.list("harbor", PageRequest())
            assert [one.name for one in page.items] == ["search"]
            assert VALUE not in repr((kept, page, await manager.get("harbor", "search")))
            assert await manager.values("harbor", "search") == {"token": VALUE, "user": VALUE}

        self.play(tmp_path, scenario)

    def test_another_tenants_secrets_are_not_there(self, tmp_path: Path) -> None:
        async def scenario(manager: SecretManager) -> None:
            await manager.put("harbor", "search", {"token": VALUE}, "", None)
            assert not (await manager.list("sea", PageRequest())).items
            for asked in (manager.get("sea", "search"), manager.values("sea", "search")):
                with pytest.raises(NotFound):
                    await asked
            await manager.delete("sea", "search")
            await manager.put("sea", "search", {"token": "theirs"}, "", None)
            assert await manager.values("harbor", "search") == {"token": VALUE}

        self.play(tmp_path, scenario)

    def test_all_values_are_replaced_and_who_saw_an_older_one_is_refused(self, tmp_path: Path) -> None:
        async def scenario(manager: SecretManager) -> None:
            first = await manager.put("harbor", "search", {"token": "old"}, "", 0)
            second = await manager.put("harbor", "search", {"key": VALUE}, "", first.revision)
            assert second.revision == first.revision + 1
            for seen in (0, first.revision):
                with pytest.raises(Changed):
                    await manager.put("harbor", "search", {"token": "late"}, "", seen)
            assert await manager.values("harbor", "search") == {"key": VALUE}

        self.play(tmp_path, scenario)

    def test_what_is_no_name_or_no_value_is_refused_without_showing_it(self, tmp_path: Path) -> None:
        async def scenario(manager: SecretManager) -> None:
            for name, values in (("No Name", {"a": VALUE}), ("search", dict[str, str]())):
                with pytest.raises(Invalid) as refused:
                    await manager.put("harbor", name, values, "", None)
                assert VALUE not in f"{refused.value} {refused.value.hint}"

        self.play(tmp_path, scenario)

    def test_lists_come_by_name_and_page_by_page(self, tmp_path: Path) -> None:
        async def scenario(manager: SecretManager) -> None:
            for name in ("c", "a", "b"):
                await manager.put("harbor", name, {"k": VALUE}, "", None)
            first = await manager.list("harbor", PageRequest(limit=2))
            rest = await manager.list("harbor", PageRequest(limit=2, cursor=first.next or ""))
            assert [one.name for one in (*first.items, *rest.items)] == ["a", "b", "c"]
            assert rest.next is None

        self.play(tmp_path, scenario)

    def test_what_is_deleted_is_gone_and_deleting_twice_is_no_error(self, tmp_path: Path) -> None:
        async def scenario(manager: SecretManager) -> None:
            await manager.put("harbor", "search", {"token": VALUE}, "", None)
            for _ in range(2):
                await manager.delete("harbor", "search")
            with pytest.raises(NotFound):
                await manager.values("harbor", "search")

        self.play(tmp_path, scenario)


class SecretRepositoryContract(ABC):
    """`opened` has credentials of the type `api_key`: `mine` and `both` of the person ada, `shared` and `both` of the tenant
    harbor. The value of each is VALUE, of harbor's `both` another."""

    @abstractmethod
    def opened(self, folder: Path) -> AbstractAsyncContextManager[SecretRepository]: ...

    def test_a_session_is_given_what_it_names_again_at_each_start(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as repository:
                for _ in range(2):
                    mounts = await repository.provision(session("mine", "shared"))
                    assert [dict(one.env) for one in mounts] == [{"MINE": VALUE}, {"SHARED": VALUE}]
                assert VALUE not in repr(mounts)
                assert list(await repository.provision(session())) == []

        asyncio.run(main())

    def test_a_persons_own_goes_before_the_tenants_and_anothers_is_not_there(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as repository:
                (own,) = await repository.provision(session("both"))
                (theirs,) = await repository.provision(session("both", owner="bob"))
                assert own.env["BOTH"] == VALUE != theirs.env["BOTH"]
                for who in (session("mine", owner="bob"), session("shared", tenant="sea"), session("nothing")):
                    with pytest.raises(NotFound) as refused:
                        await repository.provision(who)
                    assert VALUE not in f"{refused.value} {refused.value.hint}"

        asyncio.run(main())

    def test_what_a_session_was_given_is_taken_back_and_others_keep_theirs(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as repository:
                gone, other = session("mine"), session("mine")
                await repository.provision(gone)
                await repository.provision(other)
                for _ in range(2):
                    await repository.release(gone)
                (kept,) = await repository.provision(other)
                assert kept.env == {"MINE": VALUE}
                await repository.release(session("nothing"))

        asyncio.run(main())


class SecretInjectionContract(ABC):
    """`opened` has what SecretRepositoryContract has."""

    @abstractmethod
    def opened(self, folder: Path) -> AbstractAsyncContextManager[SecretInjectionPort]: ...

    def test_additions_are_the_same_each_time_and_show_no_value(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as injection:
                one = session("mine", "shared")
                added = await injection.additions(one)
                assert await injection.additions(one) == added
                assert VALUE not in repr(added)

        asyncio.run(main())

    def test_a_name_that_this_session_does_not_have_is_refused(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as injection:
                for who in (session("mine", owner="bob"), session("shared", tenant="sea"), session("nothing")):
                    with pytest.raises(NotFound):
                        await injection.additions(who)

        asyncio.run(main())

    def test_withdrawing_may_be_repeated_and_comes_for_sessions_that_had_nothing(self, tmp_path: Path) -> None:
        async def main() -> None:
            async with self.opened(tmp_path) as injection:
                one = session("mine")
                await injection.additions(one)
                for _ in range(2):
                    await injection.withdraw(one)
                await injection.withdraw(session("nothing"))

        asyncio.run(main())
