"""The interactive reference of the API, in a real browser, with nothing from elsewhere."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.forge import Forge

pytestmark = pytest.mark.e2e


def test_the_reference_shows_every_resource_and_tries_a_request(page: Page, forge: Forge) -> None:
    said: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{forge.url}/reference")
    listing = page.locator("#operations-Sessions-list_sessions")
    expect(listing).to_be_visible(timeout=60_000)  # the first one to ask waits for the whole document to be made
    listing.locator(".opblock-summary").click()
    listing.get_by_role("button", name="Execute").click()
    expect(listing.locator(".live-responses-table .response .response-col_status")).to_contain_text("200")
    expect(listing.locator(".live-responses-table")).to_contain_text('"items"')
    for resource in ("Workspaces", "Access tokens", "terminals"):  # what is not in sight is not drawn before one scrolls to it
        page.get_by_placeholder("Filter by tag").fill(resource)
        expect(page.locator(f"[id^='operations-{resource.replace(' ', '_')}-']").first).to_be_visible()
    assert said == []
    assert all(url.startswith((forge.url, "data:")) for url in asked), asked
