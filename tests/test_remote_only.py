"""A server's own files are nobody's to work in."""

import asyncio

import pytest

from volundr.domain.errors import Forbidden
from volundr.domain.sessions.model import EmptySource, GitSource, LocalSource, Options, Session, Source
from volundr.domain.sessions.remote_only import RemoteOnly


def admitted(source: Source, **options: str) -> Session:
    session = Session(name="s", agent="demo", source=source, options=Options(**options))  # type: ignore[arg-type]
    return asyncio.run(RemoteOnly().admit(session, "create"))


@pytest.mark.parametrize(
    "source",
    [
        LocalSource(path="/etc"),
        LocalSource(path="/srv/x", mode="in_place"),
        GitSource(url="file:///srv/x.git"),
        GitSource(url="FILE:///srv/x.git"),
        GitSource(url="/srv/x.git"),
    ],
)
def test_folders_of_the_server_are_refused(source: Source) -> None:
    with pytest.raises(Forbidden, match="server's folders"):
        admitted(source)


def test_repositories_empty_folders_and_forks_are_admitted() -> None:
    for source in (GitSource(url="https://h.example/o/n.git"), GitSource(url="git@h.example:o/n.git"), EmptySource()):
        assert admitted(source).source == source
    fork = LocalSource(path="/srv/volundr/workspaces/1", mode="in_place")
    assert admitted(fork, fork_of="1").source == fork
