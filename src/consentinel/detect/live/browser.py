"""Find Chromium and start it for visits that leave nothing behind."""

import asyncio
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consentinel.core.errors import ConsentinelError, UsageError
from consentinel.core.extras import need

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Playwright

__all__ = ["ENVIRON", "NAMES", "Chromium", "find", "flags", "start", "superuser"]

CLOSE_S = 10.0

ENVIRON = "CONSENTINEL_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

QUIET = (  # the browser's own calls would be taken for the page's
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--mute-audio",
)
NO_UPDATES = "MAP update.googleapis.com ~NOTFOUND"  # some components are asked for in spite of the flags
# Contexts of a driven browser, and some builds of Chromium, block what third parties store; most visitors' do not.
PREFERENCES = {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}
# Consent managers hide from browsers that say that they are driven, and then nothing could be chosen.
UNDRIVEN = ("--disable-blink-features=AutomationControlled",)


def find(environ: Mapping[str, str]) -> str | None:
    """Return the browser that CONSENTINEL_CHROMIUM in ENVIRON names, else the first of the usual names on its PATH.

    None leaves the choice to Playwright, which brings its own. Raises UsageError when the one named cannot be run.
    """
    asked = environ.get(ENVIRON)
    if asked:
        if os.path.isfile(asked) and os.access(asked, os.X_OK):
            return asked
        raise UsageError(f"{ENVIRON} does not name a program that can be run; name the browser binary itself")
    return next((path for name in NAMES if (path := shutil.which(name, path=environ.get("PATH")))), None)


def flags(*, resolver: str = "") -> list[str]:
    """Return the command line flags of the browser; RESOLVER is a list of Chromium host resolver rules."""
    return [*QUIET, *UNDRIVEN, f"--host-resolver-rules={', '.join(filter(None, (NO_UPDATES, resolver)))}"]


class Chromium:
    """A running browser with its driver; made by `start`, which see."""

    def __init__(self, playwright: "Playwright", own: "BrowserContext", browser: "Browser", folder: Path) -> None:
        self.browser, self._own, self._playwright, self._folder = browser, own, playwright, folder

    async def close(self) -> None:
        """End browser and driver, whatever state they are in."""
        for ending in (self._own.close(), self._playwright.stop()):
            with suppress(Exception):  # one that crashed, or whose driver went with it
                await asyncio.wait_for(ending, CLOSE_S)
        shutil.rmtree(self._folder, ignore_errors=True)


async def start(executable: str | None, *, resolver: str = "", sandbox: bool = True) -> Chromium:
    """Start the browser EXECUTABLE (None: that of Playwright) with a profile of its own that is removed with it.

    Raises MissingExtra without the browser extra, and ConsentinelError, naming what to do, when it does not start.
    Chromium cannot use its sandbox as the superuser, so it runs without one there.
    """
    driver: Any = need("playwright.async_api", extra="browser")
    playwright = await driver.async_playwright().start()
    folder = Path(tempfile.mkdtemp(prefix="consentinel-"))
    (folder / "Default").mkdir()
    (folder / "Default" / "Preferences").write_text(json.dumps(PREFERENCES), "utf-8")
    try:
        own = await playwright.chromium.launch_persistent_context(
            folder,
            executable_path=executable,
            args=flags(resolver=resolver),
            ignore_default_args=["--enable-automation"],
            chromium_sandbox=sandbox and not superuser(),
        )
        return Chromium(playwright, own, own.browser, folder)
    except driver.Error as why:
        await playwright.stop()
        shutil.rmtree(folder, ignore_errors=True)
        if "Executable doesn't exist" in str(why):
            text = f"no Chromium was found; install one, name it in {ENVIRON}, or run: playwright install chromium"
        else:
            text = f"Chromium did not start; {ENVIRON} should name Chromium or Chrome; in a container try --no-sandbox"
        raise ConsentinelError(text) from None


def superuser() -> bool:
    """Whether this process runs as the superuser."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
