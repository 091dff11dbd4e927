"""The HTML page printed by Chromium, with the sources of all figures on the last pages; needs the extra [browser]."""

import os
import shutil

from consentinel.core.errors import MissingExtra, NotSupported
from consentinel.core.extras import need
from consentinel.understand.papers._page import html
from consentinel.understand.telling.story import Story

__all__ = ["SUFFIX", "write"]

SUFFIX = "pdf"
ENVIRON = "CONSENTINEL_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def write(story: Story) -> bytes:
    """Return STORY as a PDF on A4 paper, made by a Chromium without a network.

    Raises MissingExtra without playwright, NotSupported without a Chromium.
    """
    playwright = need("playwright.sync_api", extra="browser")
    named = os.environ.get(ENVIRON) or next((path for name in NAMES if (path := shutil.which(name))), None)
    options = {"executable_path": named} if named else {}
    root = getattr(os, "geteuid", lambda: 1)() == 0
    try:
        with playwright.sync_playwright() as driver:
            browser = driver.chromium.launch(chromium_sandbox=not root, **options)
            context = browser.new_context(offline=True, java_script_enabled=False)
            sheet = context.new_page()
            sheet.set_content(html(story), wait_until="load")
            printed: bytes = sheet.pdf(format="A4", print_background=True, tagged=True, outline=True)
            browser.close()
    except playwright.Error as why:
        if "Executable doesn't exist" in str(why):
            raise MissingExtra(
                f"a PDF is printed by Chromium; install one, name it in {ENVIRON}, or run: playwright install chromium"
            ) from None
        raise NotSupported("Chromium could not print the page; write html and print it from a browser") from None
    return printed
