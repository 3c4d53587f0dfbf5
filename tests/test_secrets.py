"""The files that hold secrets: made once, for their owner only."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import lobby
from tests.lobby import OTHER, SESSION
from volundr.domain.errors import Forbidden, Unavailable
from volundr.local.identity import (
    keys_of,
    write_open_page,
)
from volundr.local.secrets import private_folder, read_private, secret_file, write_private

home = lobby.home


def test_the_keys_are_made_once_and_are_for_their_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    keys = keys_of(home)
    assert keys_of(home) == keys
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for name in ("secret", "token"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    assert len(bytes.fromhex(keys.master)) == 32
    assert keys.master not in repr(keys)
    assert keys.token not in repr(keys)
    assert len({keys.master, keys.token, keys.manage, keys.session(SESSION), keys.session(OTHER)}) == 5
    assert sorted(os.listdir(home)) == ["secret", "token"]


def test_all_who_ask_at_once_get_the_same_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(secret_file, [tmp_path / "secret"] * 32))) == 1
    assert os.listdir(tmp_path) == ["secret"]


def test_a_secret_that_others_can_read_is_refused_with_the_command_that_helps(home: Path) -> None:
    keys_of(home)
    (home / "token").chmod(0o644)
    with pytest.raises(Forbidden) as refused:
        keys_of(home)
    assert refused.value.hint == f"Close it: chmod 600 {home}/token"
    (home / "token").chmod(0o600)
    home.chmod(0o755)
    with pytest.raises(Forbidden) as refused:
        keys_of(home)
    assert refused.value.hint == f"Close it: chmod 700 {home}"
    home.chmod(0o700)


def test_an_empty_secret_is_never_used(home: Path) -> None:
    write_private(home / "secret", "")
    with pytest.raises(Unavailable, match="holds no secret"):
        keys_of(home)


def test_a_link_in_place_of_a_secret_is_not_followed(home: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("x" * 64)
    (home / "secret").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Forbidden, match="symbolic links"):
        keys_of(home)


def test_a_private_file_is_replaced_in_one_step(home: Path) -> None:
    assert read_private(home / "x") is None
    write_private(home / "x", "one")
    write_private(home / "x", "two")
    assert read_private(home / "x") == "two"
    assert sorted(path.name for path in home.iterdir()) == ["run", "x"]


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable) as refused:
        private_folder(tmp_path / "file" / "home")
    assert "VOLUNDR_HOME" in refused.value.hint


def test_the_page_that_opens_the_browser_is_private_and_escapes_its_link(home: Path) -> None:
    (home / "run").chmod(0o700)
    write_open_page(home / "run" / "open.html", 'http://localhost:1/login#a"b')
    page = home / "run" / "open.html"
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert 'url=http://localhost:1/login#a&quot;b"' in page.read_text()
