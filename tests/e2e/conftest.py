"""A forge, a scripted model and a browser for the end-to-end tests."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.e2e.forge import AGENTS, Forge, forge_at
from tests.fake_models.anthropic import Endpoint, serving

SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def model() -> Iterator[Endpoint]:
    with serving() as endpoint:
        yield endpoint


@pytest.fixture
def forge(tmp_path: Path, model: Endpoint) -> Iterator[Forge]:
    with forge_at(tmp_path / "home", ANTHROPIC_BASE_URL=model.url, ANTHROPIC_API_KEY="fake") as running:
        yield running


@pytest.fixture
def claude() -> str:
    if not (AGENTS / "claude").exists():
        pytest.skip("run `npm ci` in tests/agents: this test drives the real Claude Code")
    return "claude"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One a module: while playwright runs, its event loop occupies this thread, and other tests need theirs."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("install Chromium (Debian: `apt install chromium`): this test drives a browser")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=SWITCHES)
        yield running
        running.close()


@pytest.fixture
def window(browser: Browser, forge: Forge) -> Iterator[BrowserContext]:
    """A browser that is signed in, at 1440 × 900."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(forge.login_link())
    page.wait_for_url(lambda url: "login" not in url)
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(window: BrowserContext) -> Page:
    return window.new_page()
