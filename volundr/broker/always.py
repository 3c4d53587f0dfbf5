"""Rules that people keep for all sessions of a project: `always.json` in Volundr's home folder."""

import asyncio
import json
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from volundr.broker.parts import Rule

log = logging.getLogger(__name__)


class AlwaysRules:
    """Read once; written whole and atomically with every rule that is added."""

    def __init__(self, home: Path) -> None:
        self._file = home / "always.json"
        self._writing = asyncio.Lock()
        self._kept = self._read()

    def of(self, project: str) -> frozenset[Rule]:
        return self._kept.get(project, frozenset())

    async def add(self, project: str, rules: Iterable[Rule]) -> None:
        """Raises OSError when they cannot be written; they hold until Skuld ends all the same."""
        self._kept[project] = self.of(project) | frozenset(rules)
        async with self._writing:
            await asyncio.to_thread(self._write, json.dumps(self._shown(), indent=2, sort_keys=True))

    def _shown(self) -> dict[str, list[dict[str, str]]]:
        return {
            project: [{"tool": rule.tool, "subject": rule.subject} for rule in sorted(rules, key=lambda r: (r.tool, r.subject))]
            for project, rules in self._kept.items()
        }

    def _read(self) -> dict[str, frozenset[Rule]]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
            return {
                str(project): frozenset(Rule(tool=str(one["tool"]), subject=str(one["subject"])) for one in rules)
                for project, rules in found.items()
            }
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            # Asking again is safe, guessing is not.
            log.exception("kept rules unreadable")
            return {}

    def _write(self, text: str) -> None:
        new = self._file.with_suffix(".new")
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        new.replace(self._file)
