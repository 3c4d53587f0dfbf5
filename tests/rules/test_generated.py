"""Generated files are what would be generated now, and migrations only grow."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.rules.tree import ROOT
from volundr.db.migrate import fingerprints
from volundr.document import openapi_document
from volundr.store.opening import MIGRATIONS


def test_migrations_are_only_ever_added() -> None:
    locked = json.loads((ROOT / "volundr/store/migrations.lock").read_text())
    now = fingerprints(MIGRATIONS)
    for store, hashes in locked.items():
        assert now[store][: len(hashes)] == hashes, f"a migration of {store} that shipped was changed"
    assert now == locked, "add the new migrations' hashes to volundr/store/migrations.lock"


def test_the_openapi_document_is_current() -> None:
    kept = json.loads((ROOT / "docs/reference/openapi.json").read_text())
    assert kept == json.loads(json.dumps(openapi_document())), "run `python3 build.py types`"


def test_the_document_has_every_frame() -> None:
    schemas = openapi_document()["components"]["schemas"]
    assert {
        "UserMessage",
        "PermissionRaised",
        "Hello",
        "Delta",
        "Attach",
        "Send",
        "Decide",
        "Record",
        "Live",
        "FromClient",
    } <= set(schemas)


@pytest.fixture
def npm() -> str:
    found = shutil.which("npm")
    if found is None or not (ROOT / "webui/node_modules").is_dir():
        pytest.skip("install Node.js with npm and run `python3 build.py ui`: this test builds the web UI")
    return found


def test_the_types_of_the_web_ui_are_current(npm: str, tmp_path: Path) -> None:
    made = tmp_path / "schema.d.ts"
    argv = [npm, "exec", "--", "openapi-typescript", str(ROOT / "docs/reference/openapi.json"), "-o", str(made)]
    subprocess.run(argv, cwd=ROOT / "webui", check=True, capture_output=True, timeout=120)
    assert made.read_text() == (ROOT / "webui/src/api/schema.d.ts").read_text(), "run `python3 build.py types`"


@pytest.mark.e2e
def test_webui_dist_is_the_build_of_webui(npm: str, tmp_path: Path) -> None:
    out = tmp_path / "dist"
    argv = [npm, "run", "build", "--", "--outDir", str(out), "--emptyOutDir"]
    subprocess.run(argv, cwd=ROOT / "webui", check=True, capture_output=True, timeout=300)
    built = {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    kept_in = ROOT / "webui_dist"
    kept = {str(p.relative_to(kept_in)): p.read_bytes() for p in kept_in.rglob("*") if p.is_file()}
    assert built.keys() == kept.keys(), "run `python3 build.py ui`"
    assert [name for name in built if built[name] != kept[name]] == [], "run `python3 build.py ui`"
