"""build.py: parses under an old Python, finds a new one, says what is missing, runs Postgres for the tests."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BUILD = Path(__file__).parent.parent / "build.py"


@pytest.fixture
def build() -> Any:
    return load()


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("volundr_build", BUILD)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_it_is_written_for_python_3_6() -> None:
    text = BUILD.read_text()
    ast.parse(text, feature_version=(3, 6))
    assert "removeprefix" not in text
    assert "capture_output" not in text
    assert "text=True" not in text


def test_its_help_names_every_command(build: Any) -> None:
    for name in build.COMMANDS:
        assert f"\n  {name} " in build.HELP
    done = subprocess.run([sys.executable, str(BUILD)], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert subprocess.run([sys.executable, str(BUILD), "nonsense"], capture_output=True, check=False).returncode == 2


def test_it_finds_a_python_by_name_in_pyenvs_folder_or_through_uv(
    build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, old = f'exec {sys.executable} "$@"', "exit 1"
    monkeypatch.setattr(build, "NEEDED", (99, 0))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(build.Stop, match=r"needs Python 3\.12 or newer.*install one"):
        build.find_python()
    program(tmp_path / "bin", "python3.14", old)
    elsewhere = program(tmp_path / "uv", "python3", new)
    program(tmp_path / "bin", "uv", f"echo {elsewhere}")
    assert build.find_python() == str(elsewhere)
    program(tmp_path / "pyenv" / "versions" / "3.9.1" / "bin", "python", old)
    kept = program(tmp_path / "pyenv" / "versions" / "3.13.0" / "bin", "python", new)
    assert build.find_python() == str(kept)
    on_path = program(tmp_path / "bin", "python3.12", new)
    assert build.find_python() == str(on_path)


def test_what_is_missing_is_a_hint_for_a_person_and_an_error_in_ci(
    build: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build, "CI", False)
    build.missing("Chromium", "Install it.")
    assert "Chromium is missing" in capsys.readouterr().err
    monkeypatch.setattr(build, "CI", True)
    with pytest.raises(build.Stop, match="Chromium is missing: Install it"):
        build.missing("Chromium", "Install it.")


def test_a_given_postgres_is_used_and_none_is_started(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOLUNDR_TEST_POSTGRES", "postgresql://given/db")
    with build.Postgres() as url:
        assert url == "postgresql://given/db"


@pytest.mark.e2e
def test_a_postgres_of_its_own_answers_and_leaves_nothing(build: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if build.postgres_binaries() is None:
        pytest.skip("PostgreSQL is not installed")
    monkeypatch.delenv("VOLUNDR_TEST_POSTGRES", raising=False)
    server = build.Postgres()
    with server as url:
        asked = [os.path.join(build.postgres_binaries(), "psql"), url, "-tAc", "SELECT 6 * 7"]
        assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip() == "42"
    assert not Path(server.folder).exists()


def test_no_file_names_a_registry() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (BUILD.parent / name).read_text()
        assert "--hash=sha256:" in text
        assert "http://" not in text.replace("# http", "")
        assert "--index-url" not in text
        assert "--extra-index-url" not in text
