"""What every CredentialStorePort must do."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from volundr.domain.credentials import Credential, CredentialStorePort, Owner
from volundr.domain.mounts import CredentialType
from volundr.domain.paging import PageRequest

ADA, HARBOR = Owner(scope="user", id="ada"), Owner(scope="tenant", id="harbor")
KEY = {"api_key": "a value with \n lines and ünicode"}


def credential(name: str, kind: CredentialType = CredentialType.API_KEY) -> Credential:
    return Credential(name=name, type=kind, keys=("api_key",), note="mine")


class CredentialStoreContract(ABC):
    @abstractmethod
    def opened(self, folder: Path) -> AbstractAsyncContextManager[CredentialStorePort]: ...

    def play(self, folder: Path, scenario: Callable[[CredentialStorePort], Awaitable[None]]) -> None:
        async def main() -> None:
            async with self.opened(folder) as store:
                await scenario(store)

        asyncio.run(main())

    def test_what_is_kept_comes_back(self, tmp_path: Path) -> None:
        async def scenario(store: CredentialStorePort) -> None:
            await store.check_health()
            kept = await store.store(ADA, credential("a"), KEY, None)
            assert kept is not None
            assert kept.revision == 1
            assert await store.get(ADA, "a") == kept
            assert await store.values(ADA, "a") == KEY
            await store.check_health()

        self.play(tmp_path, scenario)

    def test_owners_do_not_see_each_other(self, tmp_path: Path) -> None:
        async def scenario(store: CredentialStorePort) -> None:
            await store.store(ADA, credential("a"), KEY, None)
            for other in (HARBOR, Owner(scope="tenant", id="ada"), Owner(scope="user", id="harbor")):
                assert await store.get(other, "a") is None
                assert await store.values(other, "a") is None
                assert not (await store.list(other, None, PageRequest())).items
                await store.delete(other, "a")
            assert await store.get(ADA, "a") is not None

        self.play(tmp_path, scenario)

    def test_a_new_value_takes_the_place_of_the_old_one(self, tmp_path: Path) -> None:
        async def scenario(store: CredentialStorePort) -> None:
            first = await store.store(ADA, credential("a"), KEY, 0)
            assert first is not None
            second = await store.store(ADA, credential("a"), {"api_key": "new"}, first.revision)
            assert second is not None
            assert (second.revision, second.created_at) == (2, first.created_at)
            assert await store.values(ADA, "a") == {"api_key": "new"}
            assert await store.store(ADA, credential("a"), {"api_key": "late"}, first.revision) is None
            assert await store.store(ADA, credential("a"), {"api_key": "late"}, 0) is None
            assert await store.values(ADA, "a") == {"api_key": "new"}

        self.play(tmp_path, scenario)

    def test_of_many_who_store_at_once_each_counts_once(self, tmp_path: Path) -> None:
        async def scenario(store: CredentialStorePort) -> None:
            await asyncio.gather(*(store.store(ADA, credential(f"n{n % 4}"), {"api_key": str(n)}, None) for n in range(12)))
            found = (await store.list(ADA, None, PageRequest())).items
            assert [(one.name, one.revision) for one in found] == [(f"n{n}", 3) for n in range(4)]

        self.play(tmp_path, scenario)

    def test_lists_are_sorted_filtered_and_cut(self, tmp_path: Path) -> None:
        async def scenario(store: CredentialStorePort) -> None:
            for name in ("c", "a", "b"):
                await store.store(ADA, credential(name), KEY, None)
            await store.store(ADA, credential("d", CredentialType.GENERIC), KEY, None)
            first = await store.list(ADA, CredentialType.API_KEY, PageRequest(limit=2))
            rest = await store.list(ADA, CredentialType.API_KEY, PageRequest(limit=2, cursor=first.next or ""))
            assert [one.name for one in (*first.items, *rest.items)] == ["a", "b", "c"]
            assert rest.next is None

        self.play(tmp_path, scenario)

    def test_what_is_deleted_is_gone_and_deleting_twice_is_no_error(self, tmp_path: Path) -> None:
        async def scenario(store: CredentialStorePort) -> None:
            await store.store(ADA, credential("a"), KEY, None)
            await store.delete(ADA, "a")
            await store.delete(ADA, "a")
            assert await store.values(ADA, "a") is None

        self.play(tmp_path, scenario)
