"""What a person does on the session page, in words."""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.e2e.forge import Forge


@dataclass(slots=True)
class Screen:
    page: Page
    forge: Forge

    def open(self, session_id: str) -> "Screen":
        self.page.goto(f"{self.forge.url}/sessions/{session_id}")
        expect(self.composer).to_be_visible()
        return self

    @property
    def composer(self) -> Locator:
        return self.page.get_by_role("textbox", name="Message to the agent")

    @property
    def talk(self) -> Locator:
        return self.page.get_by_role("region", name="Conversation")

    @property
    def question(self) -> Locator:
        return self.page.get_by_role("region", name="Waiting for you")

    def say(self, text: str) -> None:
        self.composer.fill(text)
        self.composer.press("Enter")

    def allow(self, title: str = "") -> None:
        expect(self.question).to_contain_text(title)
        self.question.get_by_role("button", name="Allow once").click()

    def deny(self, word: str) -> None:
        self.question.get_by_role("button", name="Deny").click()
        self.page.get_by_role("textbox", name="A word to the agent").fill(word)
        self.page.keyboard.press("Enter")

    def sees(self, text: str, times: int | None = None) -> None:
        found = self.talk.get_by_text(text)
        expect(found.first).to_be_visible()
        if times is not None:
            expect(found).to_have_count(times)

    def state(self, word: str) -> None:
        expect(self.page.get_by_role("main").get_by_text(word, exact=False).first).to_be_visible()
