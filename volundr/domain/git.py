"""Git hosts: which repositories and branches there are to work on."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from volundr.domain.errors import Invalid, VolundrError
from volundr.domain.identity import Principal
from volundr.domain.paging import Page, PageRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRepository:
    """A repository on a host. `url` is what git clones; `name` is `owner/name` where the host has owners."""

    provider: str
    name: str
    url: str
    default_branch: str = ""
    description: str = ""
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """`commit` is the full hash of its newest commit."""

    name: str
    commit: str
    default: bool = False


class GitProvider(ABC):
    """One git host, or one account on it. Raises Unavailable when the host does not answer, Invalid for what it refuses."""

    name: str

    @abstractmethod
    def supports(self, url: str) -> bool:
        """Whether this provider is the one to ask about this URL. The first that says yes is asked."""

    @abstractmethod
    async def validate(self, url: str) -> RemoteRepository:
        """The repository of this URL, if it can be read. Raises Invalid with what the host said."""

    @abstractmethod
    async def repositories(self, q: str, page: PageRequest) -> Page[RemoteRepository]:
        """What the account can see, with `q` in the name; empty where a host cannot be listed."""

    @abstractmethod
    async def branches(self, url: str, limit: int) -> Sequence[Branch]:
        """By name, the default branch first; at most `limit`."""


class GitHosts(ABC):
    """Who may use which hosts: everybody the machine's own git, and each person the accounts they connected."""

    @abstractmethod
    async def providers(self, principal: Principal) -> Sequence[GitProvider]:
        """In the order in which they are asked. Made for this call: they hold a person's secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderState:
    """Whether a provider could be asked, and why not."""

    name: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Repositories of several providers. `cursor` of the next page is per provider, so one provider is listed at a time."""

    page: Page[RemoteRepository]
    states: Sequence[ProviderState]


class RepoService:
    """Lists repositories over all providers of a person. One that fails is reported and hides no other."""

    def __init__(self, hosts: GitHosts) -> None:
        self._hosts = hosts

    async def repositories(self, principal: Principal, q: str, page: PageRequest) -> Found:
        """`page.cursor` is `<provider>:<that provider's cursor>`; providers follow each other."""
        providers = list(await self._hosts.providers(principal))
        wanted, _, cursor = page.cursor.partition(":")
        if page.cursor:
            names = [provider.name for provider in providers]
            if wanted not in names:
                raise Invalid("This cursor is not one of ours; begin again without it.")
            providers = providers[names.index(wanted) :]
        states: list[ProviderState] = []
        for place, provider in enumerate(providers):
            try:
                found = await provider.repositories(q, PageRequest(cursor=cursor, limit=page.limit))
            except VolundrError as error:
                states.append(ProviderState(name=provider.name, problem=str(error)))
                cursor = ""
                continue
            states.append(ProviderState(name=provider.name))
            cursor = ""
            more = f"{provider.name}:{found.next}" if found.next else None
            if more is None and place + 1 < len(providers):
                more = f"{providers[place + 1].name}:"
            if found.items or more is None:
                return Found(page=Page(items=found.items, next=more), states=states)
        return Found(page=Page(items=(), next=None), states=states)

    async def branches(self, principal: Principal, url: str, limit: int) -> Sequence[Branch]:
        return await (await self._provider(principal, url)).branches(url, limit)

    async def validate(self, principal: Principal, url: str) -> RemoteRepository:
        return await (await self._provider(principal, url)).validate(url)

    async def _provider(self, principal: Principal, url: str) -> GitProvider:
        for provider in await self._hosts.providers(principal):
            if provider.supports(url):
                return provider
        raise Invalid(
            f"No git provider knows {url}.", hint="It looks like https://host/owner/name.git or git@host:owner/name.git"
        )
