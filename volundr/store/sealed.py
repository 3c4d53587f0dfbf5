"""Values that only who has the key can read: Fernet, of the `cryptography` package."""

import asyncio
import json
from collections.abc import Callable, Mapping

from volundr.domain.errors import Unavailable


class Seal:
    """`keys`: gives the keys, the newest first; asked at the first use, since a keyring may want to be opened."""

    def __init__(self, keys: Callable[[], list[bytes]]) -> None:
        self._keys = keys

    async def close(self, values: Mapping[str, str]) -> str:
        return await asyncio.to_thread(self._close, json.dumps(dict(values)))

    async def open(self, sealed: str) -> Mapping[str, str]:
        """Raises Unavailable for what another key closed."""
        return await asyncio.to_thread(self._open, sealed)

    def _close(self, text: str) -> str:
        from cryptography.fernet import Fernet

        return Fernet(self._keys()[0]).encrypt(text.encode()).decode()

    def _open(self, sealed: str) -> Mapping[str, str]:
        from cryptography.fernet import Fernet, InvalidToken, MultiFernet

        try:
            text = MultiFernet([Fernet(key) for key in self._keys()]).decrypt(sealed.encode())
        except InvalidToken as error:
            raise Unavailable(
                "The stored credentials were encrypted with another key, so they cannot be read.",
                hint="Put back the key they were made with: the file credentials.key in Volundr's home, or the keyring's entry.",
            ) from error
        return {str(name): str(value) for name, value in json.loads(text).items()}
