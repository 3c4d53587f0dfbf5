"""Templates from `<home>/templates/*.yaml`."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from volundr.domain.profiles import Problem
from volundr.domain.sessions.model import GitSource, LocalSource
from volundr.domain.sessions.spec import Repository
from volundr.domain.templates import Layout, Template, TemplateProvider
from volundr.local.profiles import MannerFile, unique, values
from volundr.local.yaml_folder import LOOK_SECONDS, Place, YamlFolder, choice


def _below(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or ".git" in parts or "\x00" in path:
        raise ValueError(f"{path!r} is not a path below the workspace, such as `docs/notes.md`.")
    return str(PurePosixPath(path))


Below = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_below)]
Url = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^[^-\s]\S*$")]
Branch = Annotated[str, Field(max_length=255, pattern=r"^$|^[^-\s]\S*$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SourceFile(_Part):
    """A repository to clone (`url`), or a folder of this machine (`path`)."""

    url: Url | None = None
    path: Annotated[str, Field(pattern=r"^[/~]", max_length=4096)] | None = None
    branch: Branch = ""
    mode: Literal["worktree", "in_place"] = "worktree"

    def source(self) -> GitSource | LocalSource:
        if self.url is not None:
            return GitSource(url=self.url, branch=self.branch)
        return LocalSource(path=self.path or "", branch=self.branch, mode=self.mode)


class RepositoryFile(_Part):
    url: Url
    path: Below
    branch: Branch = ""


class LayoutFile(_Part):
    folders: tuple[Below, ...] = Field(default=(), max_length=500)
    files: dict[Below, Annotated[str, Field(max_length=200_000)]] = Field(default_factory=dict, max_length=500)


class TemplateFile(MannerFile):
    profile: str = Field(default="", max_length=64)
    source: SourceFile | None = None
    repositories: tuple[RepositoryFile, ...] = Field(default=(), max_length=50)
    layout: LayoutFile = LayoutFile()
    setup: tuple[Annotated[str, Field(min_length=1, max_length=100_000)], ...] = Field(default=(), max_length=50)
    initial_prompt: str = Field(default="", max_length=100_000)


class YamlTemplates(TemplateProvider):
    """`agents` are those there are: a template that names another is wrong."""

    def __init__(self, home: Path, agents: Collection[str], every: float = LOOK_SECONDS) -> None:
        self._agents = agents
        self._folder = YamlFolder(home / "templates", TemplateFile, self._check, every)

    def _check(self, file: TemplateFile) -> Iterator[tuple[Place, str]]:
        yield from choice(("agent",), file.agent, self._agents, "agent")
        if file.source is not None and (file.source.url is None) == (file.source.path is None):
            yield ("source",), "It needs either `url` or `path`."
        paths: set[str] = set()
        for number, repository in enumerate(file.repositories):
            if repository.path in paths:
                yield ("repositories", number, "path"), f"Another repository is cloned to {repository.path!r} already."
            paths.add(repository.path)

    async def templates(self) -> Sequence[Template]:
        files, _ = unique(await self._folder.look())
        return sorted((_template(name, file) for name, file in files.items()), key=lambda template: template.name)

    async def problems(self) -> Sequence[Problem]:
        contents = await self._folder.look()
        return [*contents.problems, *unique(contents)[1]]


def _template(name: str, file: TemplateFile) -> Template:
    same = [*MannerFile.model_fields, "profile", "setup", "initial_prompt"]
    return Template(
        **values(file, name, same),
        source=file.source.source() if file.source else None,
        repositories=tuple(Repository(url=one.url, path=one.path, branch=one.branch) for one in file.repositories),
        layout=Layout(folders=file.layout.folders, files=file.layout.files),
    )
