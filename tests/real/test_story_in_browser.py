"""A story in a real Chromium: a press on a number shows its query without a script, and it prints with its sources."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from consentinel.understand import tell
from tests.understand import made_story as made

sync_api = pytest.importorskip("playwright.sync_api", reason="needs the extra [browser]: playwright")

pytestmark = pytest.mark.real

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def binary() -> str:
    """The Chromium that CONSENTINEL_CHROMIUM names, else the first one on the PATH."""
    asked = os.environ.get("CONSENTINEL_CHROMIUM")
    found = asked or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no Chromium: install one of {', '.join(NAMES)} or set CONSENTINEL_CHROMIUM")
    return found


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, binary: str) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONSENTINEL_KEY", "5a" * 32)
        patch.setenv("CONSENTINEL_CHROMIUM", binary)
        records = made.incidents(folder)
        tell([records], out=folder / "out", formats="html,pdf")
    return folder / "out"


@pytest.fixture(scope="module")
def browser(binary: str, told: Path) -> Iterator["sync_api.Browser"]:  # TOLD first: printing starts a driver of its own
    with sync_api.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=binary, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.mark.parametrize("width", [420, 1280])
def test_every_number_opens_its_query_without_a_script(browser: "sync_api.Browser", told: Path, width: int) -> None:
    with browser.new_context(
        java_script_enabled=False, offline=True, viewport={"width": width, "height": 900}
    ) as context:
        page = context.new_page()
        page.goto((told / "story.html").as_uri())
        assert page.locator("article.source:visible").count() == 0
        cites = page.locator("main .cite:visible")
        assert cites.count() > 30
        for at in range(0, cites.count(), 7):
            cites.nth(at).click()
            card = page.locator("article.source:visible")
            assert card.count() == 1
            assert "SELECT" in card.inner_text()
            assert "SHA-256" in card.inner_text()
            card.get_by_role("button", name="Close").click()
            assert page.locator("article.source:visible").count() == 0


def test_it_fits_the_screen_and_asks_for_nothing(browser: "sync_api.Browser", told: Path) -> None:
    with browser.new_context(offline=True, viewport={"width": 420, "height": 800}) as context:
        page, asked, said = context.new_page(), [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto((told / "story.html").as_uri())
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert [url for url in asked if not url.startswith("data:")] == [page.url]
        assert said == []


def test_on_paper_the_sources_are_the_last_pages(browser: "sync_api.Browser", told: Path) -> None:
    assert (told / "story.pdf").read_bytes().startswith(b"%PDF-")
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        page.goto((told / "story.html").as_uri())
        page.emulate_media(media="print")
        assert page.locator("article.source:visible").count() == page.locator("article.source").count() > 5
        assert page.locator("sup.paper:visible").count() > 30
        assert page.locator("button.close:visible").count() == 0
