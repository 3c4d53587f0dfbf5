"""What a person can set, read once: defaults <- `config.toml` in the home folder <- VOLUNDR_* variables <- CLI options."""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from volundr.domain.errors import Invalid
from volundr.domain.sessions.definition import SessionDefinition

PREFIX = "VOLUNDR_"
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_KINDS: Mapping[type, str] = {str: "a text in quotes", int: "a whole number", float: "a number", bool: "true or false"}

type Section = Mapping[str, Any]
NOTHING: Section = MappingProxyType({})


def _setting(default: Any, variable: str, least: float | None = None, most: float | None = None) -> Any:
    return field(default=default, metadata={"variable": variable, "least": least, "most": most})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    host: str = _setting("127.0.0.1", "VOLUNDR_HOST")
    port: int = _setting(8080, "VOLUNDR_PORT", 0, 65535)
    open_browser: bool = _setting(True, "VOLUNDR_OPEN_BROWSER")
    workers: int = _setting(4, "VOLUNDR_WORKERS", 1, 64)
    lease_seconds: float = _setting(10.0, "VOLUNDR_LEASE_SECONDS", 1)
    public_urls: str = _setting("", "VOLUNDR_PUBLIC_URLS")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    url: str = field(default="", repr=False, metadata={"variable": "VOLUNDR_DATABASE_URL", "least": None, "most": None})
    connections: int = _setting(10, "VOLUNDR_DATABASE_CONNECTIONS", 2, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    body_bytes: int = _setting(1024 * 1024, "VOLUNDR_BODY_BYTES", 1024)
    frame_bytes: int = _setting(16 * 1024 * 1024, "VOLUNDR_FRAME_BYTES", 1024)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    start_timeout: float = _setting(60.0, "VOLUNDR_START_TIMEOUT", 1)
    stop_grace: float = _setting(5.0, "VOLUNDR_STOP_GRACE", 0)
    transport: str = _setting("shim", "VOLUNDR_TRANSPORT")
    terminal: str = _setting("shell", "VOLUNDR_TERMINAL")
    terminal_command: str = _setting("", "VOLUNDR_TERMINAL_COMMAND")
    home_files: bool = _setting(False, "VOLUNDR_HOME_FILES")
    permission_minutes: float = _setting(0.0, "VOLUNDR_PERMISSION_MINUTES", 0)
    setup_minutes: float = _setting(30.0, "VOLUNDR_SETUP_MINUTES", 0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings:
    archived_days: float = _setting(0.0, "VOLUNDR_ARCHIVED_DAYS", 0)
    stopped_days: float = _setting(0.0, "VOLUNDR_STOPPED_DAYS", 0)
    attachments_days: float = _setting(0.0, "VOLUNDR_ATTACHMENTS_DAYS", 0)
    chronicles_days: float = _setting(0.0, "VOLUNDR_CHRONICLES_DAYS", 0, 36500)
    workspaces_days: float = _setting(0.0, "VOLUNDR_WORKSPACES_DAYS", 0, 36500)
    audit_days: float = _setting(0.0, "VOLUNDR_AUDIT_DAYS", 0, 36500)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSettings:
    buffer_size: int = _setting(500, "VOLUNDR_EVENTS_BUFFER_SIZE", 1, 5000)
    buffer_seconds: float = _setting(0.01, "VOLUNDR_EVENTS_BUFFER_SECONDS", 0, 10)
    days: float = _setting(0.0, "VOLUNDR_EVENTS_DAYS", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSettings:
    """`sections` are the sub-sections of `[pods]`, one for each pod manager; that manager's plugin checks them."""

    use: str = _setting("process", "VOLUNDR_PODS")
    sections: Mapping[str, Section] = NOTHING

    def section(self) -> Section:
        """As `registry.Adapters.one` wants it."""
        return {"use": self.use, **self.sections}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySettings:
    """Who finds out who asks. Empty: `local` with `volundr up`, `accounts` with `volundr serve`."""

    use: str = _setting("", "VOLUNDR_IDENTITY")
    sections: Mapping[str, Section] = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationSettings:
    """Who decides what they may do. Empty: `allow-all` with `volundr up`, `roles` with `volundr serve`."""

    use: str = _setting("", "VOLUNDR_AUTHORIZATION")
    sections: Mapping[str, Section] = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialSettings:
    """Where credentials are kept. Empty: in a `file` with `volundr up`, in the `database` with `volundr serve`."""

    use: str = _setting("", "VOLUNDR_CREDENTIALS")
    sections: Mapping[str, Section] = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSettings:
    """Who keeps secrets, what gives them to sessions, and how they come into pods."""

    manager: str = _setting("store", "VOLUNDR_SECRETS_MANAGER")
    repository: str = _setting("store", "VOLUNDR_SECRETS_REPOSITORY")
    injection: str = _setting("files", "VOLUNDR_SECRETS_INJECTION")
    sections: Mapping[str, Section] = NOTHING


CHOICES = frozenset({"pods", "identity", "authorization", "credentials", "secrets"})
"""Sections that name implementations (one in `use`) and have a section below them for each."""

SECTIONS: Mapping[str, type[Any]] = {
    "server": ServerSettings,
    "database": DatabaseSettings,
    "limits": LimitSettings,
    "sessions": SessionSettings,
    "retention": RetentionSettings,
    "events": EventSettings,
    "pods": PodSettings,
    "identity": IdentitySettings,
    "authorization": AuthorizationSettings,
    "credentials": CredentialSettings,
    "secrets": SecretSettings,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`given` names the settings somebody made (`server.port`). `agents` are the sections that each agent's plugin checks.

    `environment` is what agents get, `variables` are ours."""

    home: Path
    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    limits: LimitSettings = LimitSettings()
    sessions: SessionSettings = SessionSettings()
    retention: RetentionSettings = RetentionSettings()
    events: EventSettings = EventSettings()
    pods: PodSettings = PodSettings()
    identity: IdentitySettings = IdentitySettings()
    authorization: AuthorizationSettings = AuthorizationSettings()
    credentials: CredentialSettings = CredentialSettings()
    secrets: SecretSettings = SecretSettings()
    agents: Mapping[str, Section] = field(default_factory=dict, repr=False)
    definitions: Mapping[str, SessionDefinition] = field(default_factory=dict)
    channels: Mapping[str, Section] = field(default_factory=dict, repr=False)
    sinks: Mapping[str, Section] = field(default_factory=dict, repr=False)
    prices: Mapping[str, Section] = field(default_factory=dict)
    mcp_servers: Mapping[str, Section] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    given: frozenset[str] = frozenset()
    unknown_variables: Sequence[str] = ()

    @property
    def config_file(self) -> Path:
        return self.home / "config.toml"

    @property
    def token_file(self) -> Path:
        return self.home / "token"

    @property
    def run_folder(self) -> Path:
        return self.home / "run"

    @property
    def log_folder(self) -> Path:
        return self.home / "logs"


def load(options: Mapping[str, Any] = NOTHING, environ: Mapping[str, str] | None = None) -> Settings:
    """Read everything. `options` are CLI options by dotted name (`server.port`, `home`); None means not given."""
    env = os.environ if environ is None else environ
    chosen = {name: value for name, value in options.items() if value is not None}
    home = Path(chosen.pop("home", "") or env.get("VOLUNDR_HOME") or "~/.volundr").expanduser().absolute()
    data, tables, definitions = _file(home / "config.toml")
    given = {f"{section}.{key}" for section, values in data.items() for key in values}
    for name, variable, key, kind, _ in _plain():
        if variable in env:
            data.setdefault(name, {})[key] = _checked(_word(env[variable], kind), kind, f"The variable {variable}")
            given.add(f"{name}.{key}")
    for dotted, value in chosen.items():
        section, _, key = dotted.partition(".")
        data.setdefault(section, {})[key] = value
        given.add(dotted)
    _check_ranges(data)
    known = {"VOLUNDR_HOME"} | {variable for _, variable, *_ in _plain()}
    return Settings(
        home=home,
        agents=tables["agents"],
        definitions=definitions,
        channels=tables["channels"],
        sinks=tables["sinks"],
        prices=tables["prices"],
        mcp_servers=tables["mcp_servers"],
        environment={name: value for name, value in env.items() if not name.startswith(PREFIX)},
        variables={name: env[name] for name in known if name in env},
        given=frozenset(given),
        unknown_variables=sorted(name for name in env if name.startswith(PREFIX) and name not in known),
        **{name: kind(**data.get(name, {})) for name, kind in SECTIONS.items()},
    )


def names() -> Iterator[tuple[str, str, object]]:
    """(dotted name, variable, default) of every single setting: what the reference must list."""
    yield from ((f"{section}.{key}", variable, default) for section, variable, key, _, default in _plain())


def _plain() -> Iterator[tuple[str, str, str, type, object]]:
    for section, kind in SECTIONS.items():
        for f in fields(kind):
            if "variable" in f.metadata:
                yield section, f.metadata["variable"], f.name, cast(type, f.type), f.default


type Sections = Mapping[str, Section]
type File = tuple[dict[str, dict[str, Any]], Mapping[str, Sections], Mapping[str, SessionDefinition]]

NAMED = ("agents", "channels", "mcp_servers", "prices", "sinks")
"""Sections that have one section below them for each thing of their kind."""


def _file(path: Path) -> File:
    try:
        tree = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}, dict.fromkeys(NAMED, NOTHING), {}
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"The settings file {path} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"The settings file {path} is not valid TOML: {error}") from error
    tables = {name: _tables(tree.pop(name, {}), f"{path}: {name}") for name in NAMED}
    definitions = _tables(tree.pop("definitions", {}), f"{path}: definitions")
    data: dict[str, dict[str, Any]] = {}
    for section, values in tree.items():
        if section not in SECTIONS:
            raise _unknown(f"{path}: [{section}]", [*SECTIONS, *NAMED, "definitions"])
        data[section] = _section(_table(values, f"{path}: [{section}]"), section, path)
    defined = {name: _definition(name, values, path) for name, values in definitions.items()}
    return data, tables, defined


def _section(values: Section, section: str, path: Path) -> dict[str, Any]:
    kinds = {key: kind for name, _, key, kind, _ in _plain() if name == section}
    result: dict[str, Any] = {}
    for key, value in values.items():
        where = f"{path}: {section}.{key}"
        if key in kinds:
            result[key] = _checked(value, kinds[key], where)
        elif section in CHOICES and isinstance(value, dict):
            result.setdefault("sections", {})[key] = value
        else:
            raise _unknown(where, list(kinds))
    return result


def _definition(name: str, values: Section, path: Path) -> SessionDefinition:
    where = f"{path}: definitions.{name}"
    known = [f.name for f in fields(SessionDefinition) if f.name != "name"]
    if wrong := sorted(values.keys() - set(known)):
        raise _unknown(f"{where}.{wrong[0]}", known)
    env = values.get("env", {})
    if not isinstance(env, dict) or not all(isinstance(value, str) for value in env.values()):
        raise Invalid(f'{where}.env must be a table of texts, such as env = {{ NAME = "value" }}.')
    texts = {key: _checked(value, str, f"{where}.{key}") for key, value in values.items() if key != "env"}
    return SessionDefinition(name=name, env=env, **texts)


def _tables(value: object, where: str) -> Mapping[str, Section]:
    return {name: _table(one, f"{where}.{name}") for name, one in _table(value, where).items()}


def _table(value: object, where: str) -> Section:
    if not isinstance(value, dict):
        raise Invalid(f"{where} must be a section with settings below it, not a single value.")
    return value


def _unknown(where: str, allowed: Sequence[str]) -> Invalid:
    return Invalid(f"{where} is not a setting. Here you can use: {', '.join(sorted(allowed))}.")


def _checked[T](value: object, kind: type[T], where: str) -> T:
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise Invalid(f"{where} must be {_KINDS[kind]}, not {value!r}.")
    return value


def _word(text: str, kind: type) -> object:
    """A variable's text as the kind it should be; left as text when it is not one, for the check to complain about."""
    try:
        return _WORDS[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        return text


def _check_ranges(data: Mapping[str, Mapping[str, Any]]) -> None:
    for section, values in data.items():
        for f in fields(SECTIONS[section]):
            least, most = f.metadata.get("least"), f.metadata.get("most")
            value = values.get(f.name)
            if value is None or ((least is None or value >= least) and (most is None or value <= most)):
                continue
            reach = f"at least {least}" if most is None else f"between {least} and {most}"
            raise Invalid(f"{section}.{f.name} must be {reach}, not {value}.")
