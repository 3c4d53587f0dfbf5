"""Workspace templates: how a session is run and what its workspace begins with."""

import shlex
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from volundr.domain.paging import Page, PageRequest, page_of
from volundr.domain.profiles import Manner, Problem, missing
from volundr.domain.sessions.model import GitSource, LocalSource
from volundr.domain.sessions.spec import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Folders to make in the workspace, and files (path → content). What is there already stays as it is."""

    folders: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    def script(self) -> str:
        """It as a setup script, "" when there is nothing to make."""
        lines = [f"mkdir -p -- {shlex.quote(folder)}" for folder in self.folders]
        for path, content in self.files.items():
            parent, _, _ = path.rpartition("/")
            if parent:
                lines.append(f"mkdir -p -- {shlex.quote(parent)}")
            lines.append(f"[ -e {_here(path)} ] || printf %s {shlex.quote(content)} > {_here(path)}")
        return "".join(f"{line}\n" for line in lines)


def _here(path: str) -> str:
    return shlex.quote(f"./{path}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template(Manner):
    """`source` is the workspace itself, `repositories` are cloned into folders of it. `setup` are shell scripts, run once.

    `profile` names what fills in what the template leaves open. `file` is where it was read from.
    """

    name: str
    description: str = ""
    profile: str = ""
    source: GitSource | LocalSource | None = None
    repositories: tuple[Repository, ...] = ()
    layout: Layout = Layout()
    setup: tuple[str, ...] = ()
    initial_prompt: str = ""
    file: str = ""


class TemplateProvider(ABC):
    """Reads templates from where an administrator keeps them. Cheap to ask: called for every list and every new session.

    What cannot be read is told as a problem; what it said before it broke stays.
    """

    @abstractmethod
    async def templates(self) -> Sequence[Template]:
        """In the order of their names, each name once."""

    @abstractmethod
    async def problems(self) -> Sequence[Problem]: ...


class WorkspaceTemplateService:
    """Templates of all providers; where two have the same name, that of the first provider counts."""

    def __init__(self, providers: Sequence[TemplateProvider]) -> None:
        self._providers = providers

    async def all(self) -> Sequence[Template]:
        found: dict[str, Template] = {}
        for provider in self._providers:
            for template in await provider.templates():
                found.setdefault(template.name, template)
        return [found[name] for name in sorted(found)]

    async def page(self, request: PageRequest) -> Page[Template]:
        """By name. Raises Invalid for another sort."""
        return page_of(await self.all(), request, lambda one: one.name)

    async def find(self, name: str) -> Template | None:
        return next((one for one in await self.all() if one.name == name), None)

    async def get(self, name: str) -> Template:
        """Raises NotFound, with what is wrong in the files if something is."""
        found = await self.find(name)
        if found is None:
            raise missing("template", name, await self.problems())
        return found

    async def problems(self) -> Sequence[Problem]:
        return [problem for provider in self._providers for problem in await provider.problems()]
