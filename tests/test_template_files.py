"""Files as a place for profiles and templates keep what their ports promise."""

import json
from pathlib import Path

from volundr.contracts import profiles as contract
from volundr.local.profiles import YamlProfiles
from volundr.local.templates import YamlTemplates


def keep(folder: Path, kind: str, name: str, fields: dict[str, object]) -> None:
    """JSON is YAML too. Written to another file first, so that no two versions look alike."""
    path = folder / kind / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(fields) if fields else "- broken\n")
    new.replace(path)


class TestProfiles(contract.ProfileContract):
    def opened(self, folder: Path) -> YamlProfiles:
        return YamlProfiles(folder, ("demo",), every=0)

    def keep(self, folder: Path, name: str, **fields: object) -> None:
        keep(folder, "profiles", name, fields)


class TestTemplates(contract.TemplateContract):
    def opened(self, folder: Path) -> YamlTemplates:
        return YamlTemplates(folder, ("demo",), every=0)

    def keep(self, folder: Path, name: str, **fields: object) -> None:
        keep(folder, "templates", name, fields)
