"""The web UI's own tests and types, as its tools see them."""

import shutil
import subprocess

import pytest

from tests.rules.tree import ROOT

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_web_ui_passes_its_own(script: str) -> None:
    npm = shutil.which("npm")
    if npm is None or not (ROOT / "webui/node_modules").is_dir():
        pytest.skip("install Node.js with npm and run `python3 build.py ui`: this test runs the web UI's tools")
    done = subprocess.run([npm, "run", script], cwd=ROOT / "webui", capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
