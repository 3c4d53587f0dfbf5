"""How a stored credential becomes variables and files of a session: one strategy for each type, decided without any secret.

A value may name `${mounts}`: the folder of the session's own secret files, which only its pod knows.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote

from volundr.domain.errors import Invalid

MOUNTS = "${mounts}"
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_HOST = re.compile(r"(https?)://([^\s/@:]+(?::\d+)?)(/[^\s]*)?")


class CredentialType(StrEnum):
    """What a credential is for."""

    API_KEY = "api_key"
    OAUTH_TOKEN = "oauth_token"  # noqa: S105 - its name
    GIT_CREDENTIAL = "git_credential"
    SSH_KEY = "ssh_key"
    TLS_CERT = "tls_cert"
    GENERIC = "generic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One value of a credential of some type. `secret` ones are shown to nobody, not even while they are typed."""

    name: str
    label: str
    required: bool = True
    secret: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeInfo:
    """`open`: any other keys may be there too."""

    type: CredentialType
    label: str
    description: str
    fields: Sequence[Field] = ()
    open: bool = False


TYPES: Mapping[CredentialType, TypeInfo] = {
    info.type: info
    for info in (
        TypeInfo(
            type=CredentialType.API_KEY,
            label="API key",
            description="One key, given to sessions as a variable.",
            fields=(Field(name="api_key", label="Key"), Field(name="variable", label="Variable", required=False, secret=False)),
        ),
        TypeInfo(
            type=CredentialType.OAUTH_TOKEN,
            label="OAuth token",
            description="An access token, given to sessions as a variable.",
            fields=(
                Field(name="access_token", label="Access token"),
                Field(name="refresh_token", label="Refresh token", required=False),
                Field(name="variable", label="Variable", required=False, secret=False),
            ),
        ),
        TypeInfo(
            type=CredentialType.GIT_CREDENTIAL,
            label="git user and password",
            description="Used by git for this host alone.",
            fields=(
                Field(name="url", label="Address of the host", secret=False),
                Field(name="username", label="User", secret=False),
                Field(name="password", label="Password or token"),
            ),
        ),
        TypeInfo(
            type=CredentialType.SSH_KEY,
            label="SSH key",
            description="Used by git over SSH.",
            fields=(Field(name="private_key", label="Private key"),),
        ),
        TypeInfo(
            type=CredentialType.TLS_CERT,
            label="TLS certificate",
            description="Two files, whose places are given as variables.",
            fields=(Field(name="certificate", label="Certificate", secret=False), Field(name="private_key", label="Private key")),
        ),
        TypeInfo(
            type=CredentialType.GENERIC,
            label="Anything",
            description="Every value becomes a variable.",
            open=True,
        ),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFile:
    """`path` is below the session's folder of secret files."""

    path: str
    content: str = field(repr=False)
    mode: int = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """What a session gets of one credential. `git` are settings of git, in order."""

    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Sequence[SecretFile] = ()
    git: Sequence[tuple[str, str]] = ()
    ssh_keys: Sequence[str] = ()


def check(kind: CredentialType, values: Mapping[str, str]) -> Mapping[str, str]:
    """The values as they are kept. Raises Invalid for one that is missing, unknown or no such thing; never shows a value."""
    info = TYPES[kind]
    known = {one.name: one for one in info.fields}
    if not info.open and (wrong := sorted(values.keys() - known.keys())):
        raise Invalid(f"A credential of type {kind} has no {wrong[0]!r}.", hint=f"It has: {', '.join(known)}.")
    for one in info.fields:
        if one.required and not values.get(one.name):
            raise Invalid(f"A credential of type {kind} needs {one.name!r}.")
    if not any(values.values()):
        raise Invalid("A credential needs at least one value.")
    _check_values(kind, values)
    keys = {name: value for name, value in values.items() if value}
    for name in ("private_key", "certificate"):
        if name in keys:
            keys[name] = keys[name].replace("\r\n", "\n").rstrip("\n") + "\n"  # ssh refuses a key without its last line end
    return keys


def _check_values(kind: CredentialType, values: Mapping[str, str]) -> None:
    if (variable := values.get("variable")) and not _VARIABLE.fullmatch(variable):
        raise Invalid(f"{variable!r} cannot be the name of a variable: use capitals, digits and '_'.")
    if kind is CredentialType.GIT_CREDENTIAL and not _HOST.fullmatch(values["url"]):
        raise Invalid("The address of a git credential looks like https://host.example.")
    if kind is CredentialType.SSH_KEY and "PRIVATE KEY-----" not in values["private_key"]:
        raise Invalid("This is no private key.", hint="It begins with -----BEGIN OPENSSH PRIVATE KEY----- or another such line.")
    if kind is CredentialType.TLS_CERT and "BEGIN CERTIFICATE-----" not in values["certificate"]:
        raise Invalid("This is no certificate in PEM form.")


def mount(name: str, kind: CredentialType, values: Mapping[str, str]) -> Mount:
    """What this credential becomes. `name` is part of variables and paths."""
    return _STRATEGIES[kind](name, values)


def _upper(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _api_key(name: str, values: Mapping[str, str]) -> Mount:
    return Mount(env={values.get("variable") or _upper(name): values["api_key"]})


def _oauth_token(name: str, values: Mapping[str, str]) -> Mount:
    return Mount(env={values.get("variable") or _upper(name): values["access_token"]})


def _git_credential(name: str, values: Mapping[str, str]) -> Mount:
    match = _HOST.fullmatch(values["url"])
    assert match is not None  # it was checked
    place = f"{match[1]}://{match[2]}"
    line = f"{match[1]}://{_quoted(values['username'])}:{_quoted(values['password'])}@{match[2]}\n"
    path = f"git/{name}"
    helper = (f"credential.{place}.helper", f"store --file={MOUNTS}/{path}")
    return Mount(files=(SecretFile(path=path, content=line),), git=((f"credential.{place}.helper", ""), helper))


def _ssh_key(name: str, values: Mapping[str, str]) -> Mount:
    path = f"ssh/{name}"
    return Mount(files=(SecretFile(path=path, content=values["private_key"]),), ssh_keys=(f"{MOUNTS}/{path}",))


def _tls_cert(name: str, values: Mapping[str, str]) -> Mount:
    files = [
        SecretFile(path=f"tls/{name}.crt", content=values["certificate"]),
        SecretFile(path=f"tls/{name}.key", content=values["private_key"]),
    ]
    upper = _upper(name)
    env = {f"{upper}_CERT_FILE": f"{MOUNTS}/{files[0].path}", f"{upper}_KEY_FILE": f"{MOUNTS}/{files[1].path}"}
    return Mount(env=env, files=files)


def _generic(name: str, values: Mapping[str, str]) -> Mount:
    env = {key if _VARIABLE.fullmatch(key) else f"{_upper(name)}_{_upper(key)}": value for key, value in values.items()}
    return Mount(env=env)


def _quoted(text: str) -> str:
    """As a URL has it: what has a meaning there, and what a line cannot hold, in percent form."""
    return quote(text, safe="")


_STRATEGIES: Mapping[CredentialType, Callable[[str, Mapping[str, str]], Mount]] = {
    CredentialType.API_KEY: _api_key,
    CredentialType.OAUTH_TOKEN: _oauth_token,
    CredentialType.GIT_CREDENTIAL: _git_credential,
    CredentialType.SSH_KEY: _ssh_key,
    CredentialType.TLS_CERT: _tls_cert,
    CredentialType.GENERIC: _generic,
}


def together(mounts: Sequence[Mount]) -> tuple[dict[str, str], list[SecretFile]]:
    """Variables and files of several, with git and SSH told of theirs. Raises Invalid for two that set one variable."""
    env: dict[str, str] = {}
    for one in mounts:
        for variable, value in one.env.items():
            if env.setdefault(variable, value) != value:
                raise Invalid(f"Two of the session's credentials set {variable}.", hint="Choose one of them.")
    settings = [pair for one in mounts for pair in one.git]
    if settings:
        env["GIT_CONFIG_COUNT"] = str(len(settings))
        for number, (key, value) in enumerate(settings):
            env[f"GIT_CONFIG_KEY_{number}"], env[f"GIT_CONFIG_VALUE_{number}"] = key, value
    keys = [key for one in mounts for key in one.ssh_keys]
    if keys:
        options = " ".join(f"-i '{key}'" for key in keys)
        env["GIT_SSH_COMMAND"] = f"ssh {options} -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new"
    return env, [file for one in mounts for file in one.files]
