"""How our processes log: one line an event, its data as `key=value`, to the forge's file or to where the process prints."""

import logging
import os
from pathlib import Path

PLUGINS = ("volundr_acp", "volundr_claude", "volundr_codex", "volundr_telegram")
_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


class Line(logging.Formatter):
    """`2026-11-23T00:40:12.345 warning volundr.local.pods pod cannot be asked session=…`"""

    def __init__(self) -> None:
        super().__init__("%(asctime)s.%(msecs)03d %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the standard library's name
        record.levelname = record.levelname.lower()
        data = " ".join(f"{key}={_shown(value)}" for key, value in vars(record).items() if key not in _ORDINARY)
        return f"{super().formatMessage(record)} {data}".rstrip()


def log_to(*handlers: logging.Handler) -> None:
    """Everything of ours from `info` on, of others from `warning` on."""
    for handler in handlers:
        handler.setFormatter(Line())
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    for ours in ("volundr", *PLUGINS):
        logging.getLogger(ours).setLevel(logging.INFO)


def log_file(path: Path) -> logging.Handler:
    """Appends to this file, which only its owner can read."""
    return logging.StreamHandler(os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a"))


def _shown(value: object) -> str:
    text = str(value)
    return repr(text) if not text or any(letter.isspace() or letter == '"' for letter in text) else text
