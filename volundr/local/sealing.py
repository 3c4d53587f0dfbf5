"""The key of stored credentials: in the system's keyring where there is a usable one, else in a file of the home folder."""

import base64
import logging
import secrets
from collections.abc import Callable
from pathlib import Path

from volundr.local.secrets import read_private, secret_file

log = logging.getLogger(__name__)

SERVICE = "volundr"
FILE = "credentials.key"


def sealing_keys(home: Path, *, keyring: bool) -> Callable[[], list[bytes]]:
    """What `Seal` asks. A key file that is there goes first: it was chosen once, and what it closed must stay readable.

    To rotate, put a new line on top of the file: new values are closed with the first line, old ones open with any.
    """
    kept: list[bytes] = []

    def keys() -> list[bytes]:
        if not kept:
            kept.extend(_from_file(home) or (_from_keyring(home) if keyring else None) or _new_file(home))
        return kept

    return keys


def _from_file(home: Path) -> list[bytes] | None:
    text = read_private(home / FILE)
    return [_key(line) for line in text.split()] if text else None


def _new_file(home: Path) -> list[bytes]:
    return [_key(secret_file(home / FILE))]


def _from_keyring(home: Path) -> list[bytes] | None:
    """None where there is no keyring that works without a question: a server, a container, a machine without a desktop."""
    import keyring
    from keyring.backends import chainer, fail, null
    from keyring.errors import KeyringError

    if isinstance(keyring.get_keyring(), fail.Keyring | null.Keyring | chainer.ChainerBackend):
        return None
    try:
        found = keyring.get_password(SERVICE, str(home))
        if found is None:
            found = secrets.token_hex(32)
            keyring.set_password(SERVICE, str(home), found)
            found = keyring.get_password(SERVICE, str(home))  # of two who made one, the later one counts for both
    except KeyringError as error:
        log.warning("keyring cannot be used", extra={"cause": type(error).__name__})
        return None
    return [_key(found)] if found else None


def _key(text: str) -> bytes:
    """Fernet wants 32 bytes in URL-safe base64; we keep hex."""
    return base64.urlsafe_b64encode(bytes.fromhex(text))
