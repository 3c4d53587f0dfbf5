"""What every ProfileProvider and every TemplateProvider must do."""

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path

from volundr.domain.profiles import ProfileProvider
from volundr.domain.templates import TemplateProvider


class ProfileContract(ABC):
    """`keep` writes a profile with these fields as an administrator would, or one that is broken when there are none."""

    @abstractmethod
    def opened(self, folder: Path) -> ProfileProvider:
        """It sees what is kept at once."""

    @abstractmethod
    def keep(self, folder: Path, name: str, **fields: object) -> None: ...

    def test_profiles_come_by_name_and_one_is_the_default(self, tmp_path: Path) -> None:
        async def main() -> None:
            provider = self.opened(tmp_path)
            assert await provider.profiles() == []
            self.keep(tmp_path, "b", model="small", is_default=True)
            self.keep(tmp_path, "a", model="big", env={"SIZE": "1"}, is_default=True)
            found = await provider.profiles()
            assert [(one.name, one.model) for one in found] == [("a", "big"), ("b", "small")]
            assert found[0].env == {"SIZE": "1"}
            assert len([one for one in found if one.is_default]) == 1
            assert await provider.problems() != []

        asyncio.run(main())

    def test_what_broke_is_told_and_what_it_said_stays(self, tmp_path: Path) -> None:
        async def main() -> None:
            provider = self.opened(tmp_path)
            self.keep(tmp_path, "a", model="big")
            assert [one.model for one in await provider.profiles()] == ["big"]
            assert await provider.problems() == []
            self.keep(tmp_path, "a")
            assert [one.model for one in await provider.profiles()] == ["big"]
            assert all(one.text and one.file for one in await provider.problems())
            assert await provider.problems() != []
            self.keep(tmp_path, "a", model="bigger")
            assert [one.model for one in await provider.profiles()] == ["bigger"]
            assert await provider.problems() == []

        asyncio.run(main())


class TemplateContract(ABC):
    """`keep` writes a template with these fields as an administrator would, or one that is broken when there are none."""

    @abstractmethod
    def opened(self, folder: Path) -> TemplateProvider:
        """It sees what is kept at once."""

    @abstractmethod
    def keep(self, folder: Path, name: str, **fields: object) -> None: ...

    def test_templates_come_by_name_with_all_they_say(self, tmp_path: Path) -> None:
        async def main() -> None:
            provider = self.opened(tmp_path)
            assert await provider.templates() == []
            self.keep(tmp_path, "b", setup=["one", "two"], initial_prompt="Begin.")
            self.keep(tmp_path, "a", repositories=[{"url": "https://example.invalid/a.git", "path": "a"}])
            first, second = await provider.templates()
            assert [first.name, second.name] == ["a", "b"]
            assert [(one.url, one.path) for one in first.repositories] == [("https://example.invalid/a.git", "a")]
            assert (second.setup, second.initial_prompt) == (("one", "two"), "Begin.")
            assert await provider.problems() == []

        asyncio.run(main())

    def test_a_repository_stays_in_the_workspace(self, tmp_path: Path) -> None:
        async def main() -> None:
            provider = self.opened(tmp_path)
            self.keep(tmp_path, "a", repositories=[{"url": "https://example.invalid/a.git", "path": "../a"}])
            assert await provider.templates() == []
            assert await provider.problems() != []

        asyncio.run(main())

    def test_what_broke_is_told_and_what_it_said_stays(self, tmp_path: Path) -> None:
        async def main() -> None:
            provider = self.opened(tmp_path)
            self.keep(tmp_path, "a", model="big")
            assert [one.model for one in await provider.templates()] == ["big"]
            self.keep(tmp_path, "a")
            assert [one.model for one in await provider.templates()] == ["big"]
            assert await provider.problems() != []

        asyncio.run(main())
