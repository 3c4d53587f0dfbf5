"""Real repositories to make workspaces of."""

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from volundr.domain.errors import Invalid, Unavailable, VolundrError
from volundr.domain.sessions.model import Session, Source
from volundr.domain.workspaces import Workspace
from volundr.local.git import Git
from volundr.local.workspaces import LocalWorkspaces

GIT_ENV = {
    **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "T",
    "GIT_AUTHOR_EMAIL": "t@localhost",
    "GIT_COMMITTER_NAME": "T",
    "GIT_COMMITTER_EMAIL": "t@localhost",
}


def git(folder: Path, *argv: str, check: bool = True) -> str:
    done = subprocess.run(["git", *argv], cwd=folder, env=GIT_ENV, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(folder: Path, name: str, text: str = "text") -> str:
    (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", name)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "my répo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "README")
    return folder


@pytest.fixture
def workspaces(tmp_path: Path) -> LocalWorkspaces:
    (tmp_path / "home").mkdir()
    return LocalWorkspaces(home=tmp_path / "home", git=Git(env=GIT_ENV))


def session(source: Source, name: str = "fix-login", **more: Any) -> Session:
    return Session(name=name, agent="demo", source=source, **more)


def prepare(workspaces: LocalWorkspaces, which: Session) -> Workspace:
    return asyncio.run(workspaces.prepare(which))


def remove(workspaces: LocalWorkspaces, which: Session) -> None:
    asyncio.run(workspaces.remove(which))


def refusal(workspaces: LocalWorkspaces, source: Source) -> VolundrError:
    """Why this source is refused: at creation, and again when a session starts, with nothing left behind."""
    with pytest.raises((Invalid, Unavailable)) as early:
        asyncio.run(workspaces.check(source))
    with pytest.raises((Invalid, Unavailable)) as late:
        prepare(workspaces, session(source))
    assert str(early.value) == str(late.value)
    assert left_over(workspaces) == []
    return early.value


def left_over(workspaces: LocalWorkspaces) -> list[str]:
    folder = workspaces.home / "workspaces"
    return sorted(os.listdir(folder)) if folder.exists() else []


def trash(workspaces: LocalWorkspaces) -> list[Path]:
    folder = workspaces.home / "trash"
    return sorted(folder.iterdir()) if folder.exists() else []
