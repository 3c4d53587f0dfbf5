"""Profiles from `<home>/profiles/*.yaml`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from volundr.domain.profiles import Problem, Profile, ProfileProvider
from volundr.local.yaml_folder import LOOK_SECONDS, Contents, Place, YamlFolder, choice

NAME = r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$"


def _plain(value: Any) -> Any:
    """A number is taken as it is written; `true` is not, since it might be meant as `yes` or `1`."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Word = Annotated[str, BeforeValidator(_plain), Field(max_length=10_000)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
Names = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=255)], ...], Field(max_length=100)]


class MannerFile(BaseModel):
    """The fields that profiles and templates have in common. A field we do not know is an error: it was meant to do something."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", pattern=rf"^$|{NAME}")
    description: str = Field(default="", max_length=2000)
    agent: str = Field(default="", max_length=64)
    model: str = Field(default="", max_length=100)
    mode: str = Field(default="", max_length=64)
    thinking: str = Field(default="", max_length=64)
    system_prompt: str = Field(default="", max_length=100_000)
    resources: dict[Annotated[str, Field(min_length=1, max_length=64)], Word] = Field(default_factory=dict, max_length=20)
    env: dict[VariableName, Word] = Field(default_factory=dict, max_length=200)
    mcp_servers: Names = ()
    credentials: Names = ()


class ProfileFile(MannerFile):
    is_default: bool = False


def values(file: MannerFile, name: str, fields: Sequence[str]) -> Mapping[str, Any]:
    """As the domain's dataclasses want it: `name` is the file's, unless it says another."""
    return {field: getattr(file, field) for field in fields} | {"name": file.name or Path(name).stem, "file": name}


def unique[V: MannerFile](contents: Contents[V]) -> tuple[Mapping[str, V], Sequence[Problem]]:
    """By file name, one for each name: the first file of that name counts, the others are a problem."""
    first: dict[str, str] = {}
    problems = []
    for file, value in contents.files.items():
        name = value.name or Path(file).stem
        other = first.setdefault(name, file)
        if other != file:
            problems.append(Problem(file=file, text=f"The name {name!r} is taken by {other}, which counts."))
    return {file: contents.files[file] for file in first.values()}, problems


class YamlProfiles(ProfileProvider):
    """`agents` are those there are: a profile that names another is wrong."""

    def __init__(self, home: Path, agents: Collection[str], every: float = LOOK_SECONDS) -> None:
        self._agents = agents
        self._folder = YamlFolder(home / "profiles", ProfileFile, self._check, every)

    def _check(self, file: ProfileFile) -> Iterator[tuple[Place, str]]:
        return choice(("agent",), file.agent, self._agents, "agent")

    async def profiles(self) -> Sequence[Profile]:
        files, _ = unique(await self._folder.look())
        default = next((name for name, file in files.items() if file.is_default), "")
        fields = [*MannerFile.model_fields]
        made = [Profile(**values(file, name, fields), is_default=name == default) for name, file in files.items()]
        return sorted(made, key=lambda profile: profile.name)

    async def problems(self) -> Sequence[Problem]:
        contents = await self._folder.look()
        files, twice = unique(contents)
        defaults = [name for name, file in files.items() if file.is_default]
        more = [Problem(file=name, text=f"is_default: {defaults[0]} is the default already.") for name in defaults[1:]]
        return [*contents.problems, *twice, *more]
