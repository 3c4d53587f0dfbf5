"""Where settings come from, which one wins, and what a wrong one is answered with."""

from pathlib import Path
from typing import Any

import pytest

from volundr import settings
from volundr.domain.errors import Invalid

REFERENCE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"


def read(home: Path, text: str = "", environ: dict[str, str] | None = None, **options: Any) -> settings.Settings:
    home.mkdir(exist_ok=True)
    if text:
        (home / "config.toml").write_text(text)
    dotted = {name.replace("__", "."): value for name, value in options.items()}
    return settings.load(dotted, {"VOLUNDR_HOME": str(home), **(environ or {})})


def test_without_any_the_defaults_hold(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found.server.host, found.server.port, found.server.open_browser) == ("127.0.0.1", 8080, True)
    assert found.limits.frame_bytes == 16 * 1024 * 1024
    assert found.pods.section() == {"use": "process"}
    assert found.given == frozenset()


def test_the_home_is_in_the_persons_home_unless_named(tmp_path: Path) -> None:
    assert settings.load({}, {}).home == Path("~/.volundr").expanduser()
    assert settings.load({"home": str(tmp_path)}, {"VOLUNDR_HOME": "/elsewhere"}).home == tmp_path


def test_a_variable_beats_the_file_and_an_option_beats_both(tmp_path: Path) -> None:
    text = "[server]\nport = 1\nopen_browser = false\n"
    assert read(tmp_path, text).server.port == 1
    assert read(tmp_path, text, {"VOLUNDR_PORT": "2"}).server.port == 2
    found = read(tmp_path, text, {"VOLUNDR_PORT": "2"}, server__port=3, server__host=None)
    assert found.server.port == 3
    assert found.server.host == "127.0.0.1"
    assert not found.server.open_browser
    assert found.given == {"server.port", "server.open_browser"}


def test_agents_and_pods_have_sections_of_their_own(tmp_path: Path) -> None:
    claude = '[agents.claude]\ncommand = "/opt/claude"\nargs = ["-x"]\nenv = { A = "b" }\n'
    text = claude + '[pods]\nuse = "docker"\n[pods.docker]\nimage = "i"\n'
    found = read(tmp_path, text)
    assert found.agents["claude"] == {"command": "/opt/claude", "args": ["-x"], "env": {"A": "b"}}
    assert found.pods.section() == {"use": "docker", "docker": {"image": "i"}}


def test_agents_get_the_environment_without_our_variables(tmp_path: Path) -> None:
    found = read(tmp_path, environ={"PATH": "/bin", "VOLUNDR_PORT": "9", "VOLUNDR_PROT": "9"})
    assert found.environment == {"PATH": "/bin"}
    assert found.variables == {"VOLUNDR_HOME": str(tmp_path), "VOLUNDR_PORT": "9"}
    assert found.unknown_variables == ["VOLUNDR_PROT"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "[server]\nprot = 1\n",
            r"config\.toml: server\.prot is not a setting\. Here you can use: host, lease_seconds, .*workers\.",
        ),
        ("[sever]\nport = 1\n", r"config\.toml: \[sever\] is not a setting\. Here you can use: .*server"),
        ('[server]\nport = "80"\n', r"config\.toml: server\.port must be a whole number, not '80'"),
        ("[server]\nport = true\n", r"server\.port must be a whole number"),
        ("[server]\nport = 70000\n", r"server\.port must be between 0 and 65535, not 70000"),
        ("[limits]\nbody_bytes = 3\n", r"limits\.body_bytes must be at least 1024, not 3"),
        ("server = 1\n", r"\[server\] must be a section"),
        ("[server\n", r"config\.toml is not valid TOML"),
        ("agents = 1\n", r"agents\] must be a section|agents must be a section"),
        (
            "[definitions.x]\ncolour = 'x'\n",
            r"definitions\.x\.colour is not a setting\. Here you can use: agent, env",
        ),
        ("[definitions.x]\nenv = { A = 1 }\n", r"definitions\.x\.env must be a table of texts"),
    ],
)
def test_a_wrong_setting_names_file_key_and_what_is_allowed(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(Invalid, match=complaint):
        read(tmp_path, text)


def test_a_variable_of_the_wrong_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="The variable VOLUNDR_PORT must be a whole number, not 'http'"):
        read(tmp_path, environ={"VOLUNDR_PORT": "http"})


def test_a_whole_number_is_a_number(tmp_path: Path) -> None:
    assert read(tmp_path, "[sessions]\nstart_timeout = 5\n").sessions.start_timeout == 5.0


def test_no_secret_is_shown(tmp_path: Path) -> None:
    found = read(
        tmp_path, "[agents.claude]\nenv = { KEY = 'hush' }\n", {"VOLUNDR_DATABASE_URL": "postgresql://u:hush@h/d", "A": "hush"}
    )
    assert "hush" not in repr(found)


def test_every_setting_is_in_the_reference() -> None:
    text = REFERENCE.read_text()
    for name, variable, default in settings.names():
        shown = (
            str(default).lower() if isinstance(default, bool) else f'"{default}"' if isinstance(default, str) else str(default)
        )
        assert f"| `{name}` | `{variable}` | `{shown}` |" in text
